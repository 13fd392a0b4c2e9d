using System.Globalization;
using System.Text;

namespace WebFarm
{
    /// <summary>
    /// Writes JSON: names and values in the order they are added. Commas are its
    /// business, balance is the caller's.
    /// </summary>
    sealed class Json
    {
        readonly StringBuilder text = new StringBuilder();

        /// <summary>Opens { or [, under a name if there is one.</summary>
        public Json Open(char bracket, string name)
        {
            Name(name);
            text.Append(bracket);
            return this;
        }

        public Json Close(char bracket)
        {
            text.Append(bracket);
            return this;
        }

        public Json Add(string name, string value)
        {
            Name(name);
            Quote(value);
            return this;
        }

        public Json Add(string name, bool value)
        {
            Name(name);
            text.Append(value ? "true" : "false");
            return this;
        }

        public Json Add(string name, long value)
        {
            Name(name);
            text.Append(value.ToString(CultureInfo.InvariantCulture));
            return this;
        }

        public override string ToString()
        {
            return text.ToString();
        }

        void Name(string name)
        {
            if (text.Length > 0 && "{[".IndexOf(text[text.Length - 1]) < 0)
                text.Append(',');
            if (name == null)
                return;
            Quote(name);
            text.Append(':');
        }

        void Quote(string s)
        {
            if (s == null)
            {
                text.Append("null");
                return;
            }
            text.Append('"');
            foreach (char c in s)
            {
                if (c == '"' || c == '\\')
                    text.Append('\\').Append(c);
                else if (c < ' ' || char.IsSurrogate(c) || c == '<')
                    text.Append("\\u").Append(((int)c).ToString("x4", CultureInfo.InvariantCulture));
                else
                    text.Append(c);
            }
            text.Append('"');
        }
    }
}
