using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Text;

namespace WebFarm
{
    /// <summary>
    /// Named texts in an order that counts: how a token travels over the pipe.
    /// On the wire it is one line,
    ///
    ///     verb TAB name=value TAB name=value ... LF
    ///
    /// in UTF-8, with \\ \t \n \r for the four characters that a line cannot
    /// hold. Lists need no syntax: a name such as "claim" begins the next entry.
    /// </summary>
    [Serializable]
    sealed class Fields
    {
        public readonly string Verb;
        readonly List<string> names = new List<string>();
        readonly List<string> values = new List<string>();
        int next;

        public Fields(string verb)
        {
            Verb = verb;
        }

        public Fields Add(string name, string value)
        {
            names.Add(name);
            values.Add(value ?? "");
            return this;
        }

        public Fields Add(string name, long value)
        {
            return Add(name, value.ToString(CultureInfo.InvariantCulture));
        }

        public Fields Add(string name, bool value)
        {
            return Add(name, value ? "1" : "0");
        }

        /// <summary>Says whether the next field, if any, has this name.</summary>
        public bool At(string name)
        {
            return next < names.Count && names[next] == name;
        }

        /// <summary>Takes the next field, which must have this name.</summary>
        public string Take(string name)
        {
            if (!At(name))
                throw new FormatException("pipe: want field " + name + ", have " + (next < names.Count ? names[next] : "the end"));
            return values[next++];
        }

        /// <summary>Takes the next field if it has this name, or returns null.</summary>
        public string TakeIf(string name)
        {
            return At(name) ? values[next++] : null;
        }

        public long TakeLong(string name)
        {
            return long.Parse(Take(name), CultureInfo.InvariantCulture);
        }

        public bool TakeBool(string name)
        {
            return Take(name) == "1";
        }

        public void End()
        {
            if (next != names.Count)
                throw new FormatException("pipe: unexpected field " + names[next]);
        }

        public static Fields Parse(string line)
        {
            string[] parts = line.Split('\t');
            Fields f = new Fields(parts[0]);
            for (int i = 1; i < parts.Length; i++)
            {
                int eq = parts[i].IndexOf('=');
                if (eq < 1)
                    throw new FormatException("pipe: field without a name");
                f.Add(parts[i].Substring(0, eq), Unescape(parts[i].Substring(eq + 1)));
            }
            return f;
        }

        public void WriteTo(TextWriter w)
        {
            w.Write(Verb);
            for (int i = 0; i < names.Count; i++)
            {
                w.Write('\t');
                w.Write(names[i]);
                w.Write('=');
                w.Write(Escape(values[i]));
            }
            w.Write('\n');
        }

        static string Escape(string s)
        {
            if (s.IndexOfAny(special) < 0)
                return s;
            return s.Replace("\\", "\\\\").Replace("\t", "\\t").Replace("\n", "\\n").Replace("\r", "\\r");
        }

        static string Unescape(string s)
        {
            if (s.IndexOf('\\') < 0)
                return s;
            StringBuilder b = new StringBuilder(s.Length);
            for (int i = 0; i < s.Length; i++)
            {
                char c = s[i];
                if (c == '\\' && ++i < s.Length)
                {
                    switch (s[i])
                    {
                        case 't': c = '\t'; break;
                        case 'n': c = '\n'; break;
                        case 'r': c = '\r'; break;
                        default: c = s[i]; break;
                    }
                }
                b.Append(c);
            }
            return b.ToString();
        }

        static readonly char[] special = { '\\', '\t', '\n', '\r' };
    }

    /// <summary>Hexadecimal text, as web.config and forms cookies have it.</summary>
    static class Hex
    {
        public static string Encode(byte[] data)
        {
            return BitConverter.ToString(data).Replace("-", "");
        }

        public static byte[] Decode(string text)
        {
            if (!IsHex(text))
                throw new FormatException("hex: odd length or a character that is no digit");
            byte[] data = new byte[text.Length / 2];
            for (int i = 0; i < data.Length; i++)
                data[i] = (byte)(Digit(text[2 * i]) << 4 | Digit(text[2 * i + 1]));
            return data;
        }

        public static bool IsHex(string text)
        {
            if (text.Length % 2 != 0)
                return false;
            foreach (char c in text)
                if (Digit(c) < 0)
                    return false;
            return true;
        }

        static int Digit(char c)
        {
            if (c >= '0' && c <= '9') return c - '0';
            if (c >= 'a' && c <= 'f') return c - 'a' + 10;
            if (c >= 'A' && c <= 'F') return c - 'A' + 10;
            return -1;
        }
    }
}
