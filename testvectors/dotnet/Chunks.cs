using System;
using System.Collections.Generic;
using System.Globalization;

namespace WebFarm
{
    /// <summary>A cookie's name and value.</summary>
    struct CookiePair
    {
        public readonly string Name, Value;

        public CookiePair(string name, string value)
        {
            Name = name;
            Value = value;
        }

        /// <summary>Parses a Cookie header; order and duplicates are kept.</summary>
        public static List<CookiePair> ParseHeader(string header)
        {
            List<CookiePair> cookies = new List<CookiePair>();
            foreach (string part in (header ?? "").Split(';'))
            {
                int eq = part.IndexOf('=');
                if (eq > 0)
                    cookies.Add(new CookiePair(part.Substring(0, eq).Trim(), part.Substring(eq + 1).Trim()));
            }
            return cookies;
        }

        /// <summary>The first value under a name, or null.</summary>
        public static string Find(List<CookiePair> cookies, string name, StringComparison rule)
        {
            foreach (CookiePair c in cookies)
                if (string.Equals(c.Name, name, rule))
                    return c.Value;
            return null;
        }
    }

    /// <summary>WIF's ChunkedCookieHandler: name, name1, name2, ...</summary>
    static class WifChunks
    {
        public static List<CookiePair> Split(string name, string text, int size)
        {
            List<CookiePair> cookies = new List<CookiePair>();
            for (int at = 0; at < text.Length; at += size)
                cookies.Add(new CookiePair(Name(name, cookies.Count), text.Substring(at, Math.Min(size, text.Length - at))));
            return cookies;
        }

        /// <summary>The text of all chunks up to the first gap, or null without a first one.</summary>
        public static string Join(List<CookiePair> cookies, string name)
        {
            string text = null;
            for (int i = 0; ; i++)
            {
                string part = CookiePair.Find(cookies, Name(name, i), StringComparison.OrdinalIgnoreCase);
                if (part == null)
                    return text;
                text += part;
            }
        }

        /// <summary>How many chunks a request has up to the first gap.</summary>
        public static int Count(List<CookiePair> cookies, string name)
        {
            int n = 0;
            while (CookiePair.Find(cookies, Name(name, n), StringComparison.OrdinalIgnoreCase) != null)
                n++;
            return n;
        }

        public static string Name(string name, int i)
        {
            return i == 0 ? name : name + i.ToString(CultureInfo.InvariantCulture);
        }
    }

    /// <summary>
    /// Katana's ChunkingCookieManager: name=chunks:N, nameC1, ..., nameCN. It
    /// counts what the browser will have to keep: name, value and attributes.
    /// </summary>
    static class KatanaChunks
    {
        public const int DefaultLimit = 4090;
        const string Marker = "chunks:";

        /// <summary>
        /// Suffix is the length of the attributes as they will be printed; a
        /// limit of 0 never cuts. Quotes around a value go around each chunk.
        /// </summary>
        public static List<CookiePair> Split(string name, string value, int suffix, int limit)
        {
            List<CookiePair> cookies = new List<CookiePair>();
            bool quoted = IsQuoted(value);
            string quote = quoted ? "\"" : "";
            string prefix = Uri.EscapeDataString(name), escaped = Uri.EscapeDataString(Unquote(value));
            int overhead = prefix.Length + 1 + suffix + 2 * quote.Length;
            if (limit == 0 || limit > overhead + escaped.Length)
            {
                cookies.Add(new CookiePair(prefix, quote + escaped + quote));
                return cookies;
            }
            if (limit < overhead + 10)
                throw new InvalidOperationException("cookie: the attributes leave no room for a value");
            int room = limit - overhead - 3;
            int n = (escaped.Length + room - 1) / room;
            cookies.Add(new CookiePair(prefix, Marker + n.ToString(CultureInfo.InvariantCulture)));
            for (int i = 0; i < n; i++)
                cookies.Add(new CookiePair(ChunkName(prefix, i + 1), quote + escaped.Substring(i * room, Math.Min(room, escaped.Length - i * room)) + quote));
            return cookies;
        }

        /// <summary>
        /// The whole value, or null if there is none. Where a chunk is missing the
        /// marker is the value, as in Katana; no ticket reads so.
        /// </summary>
        public static string Join(List<CookiePair> cookies, string name)
        {
            string value = Find(cookies, name);
            int n = Count(value);
            if (n == 0)
                return value;
            string whole = "";
            bool quoted = false;
            for (int i = 1; i <= n; i++)
            {
                string part = Find(cookies, ChunkName(name, i));
                if (part == null)
                    return value;
                quoted |= IsQuoted(part);
                whole += Unquote(part);
            }
            return quoted ? "\"" + whole + "\"" : whole;
        }

        /// <summary>The number of chunks that a value announces; 0 for one that is no marker.</summary>
        public static int Count(string value)
        {
            int n;
            if (value == null || !value.StartsWith(Marker, StringComparison.Ordinal) ||
                !int.TryParse(value.Substring(Marker.Length), NumberStyles.None, CultureInfo.InvariantCulture, out n))
                return 0;
            return n;
        }

        public static string ChunkName(string name, int i)
        {
            return name + "C" + i.ToString(CultureInfo.InvariantCulture);
        }

        /// <summary>The value under a name or under its escaped form, without escapes.</summary>
        static string Find(List<CookiePair> cookies, string name)
        {
            string value = CookiePair.Find(cookies, name, StringComparison.Ordinal) ??
                CookiePair.Find(cookies, Uri.EscapeDataString(name), StringComparison.Ordinal);
            return value == null ? null : Uri.UnescapeDataString(value);
        }

        static bool IsQuoted(string value)
        {
            return value.Length >= 2 && value[0] == '"' && value[value.Length - 1] == '"';
        }

        static string Unquote(string value)
        {
            return IsQuoted(value) ? value.Substring(1, value.Length - 2) : value;
        }
    }
}
