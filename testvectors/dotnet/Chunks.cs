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
        const int Limit = 4090;
        const string Marker = "chunks:";

        /// <summary>Suffix is the length of the attributes as they will be printed.</summary>
        public static List<CookiePair> Split(string name, string value, int suffix)
        {
            List<CookiePair> cookies = new List<CookiePair>();
            string escaped = Uri.EscapeDataString(value), prefix = Uri.EscapeDataString(name);
            int overhead = prefix.Length + 1 + suffix;
            if (Limit > overhead + escaped.Length)
            {
                cookies.Add(new CookiePair(prefix, escaped));
                return cookies;
            }
            if (Limit < overhead + 10)
                throw new InvalidOperationException("cookie: the attributes leave no room for a value");
            int room = Limit - overhead - 3;
            int n = (escaped.Length + room - 1) / room;
            cookies.Add(new CookiePair(prefix, Marker + n.ToString(CultureInfo.InvariantCulture)));
            for (int i = 0; i < n; i++)
                cookies.Add(new CookiePair(prefix + "C" + (i + 1).ToString(CultureInfo.InvariantCulture),
                    escaped.Substring(i * room, Math.Min(room, escaped.Length - i * room))));
            return cookies;
        }

        /// <summary>The whole value, or null if it or one of its chunks is missing.</summary>
        public static string Join(List<CookiePair> cookies, string name)
        {
            string prefix = Uri.EscapeDataString(name);
            string value = CookiePair.Find(cookies, prefix, StringComparison.Ordinal);
            int n = Count(value);
            if (n == 0)
                return value == null ? null : Uri.UnescapeDataString(value);
            string whole = "";
            for (int i = 1; i <= n; i++)
            {
                string part = CookiePair.Find(cookies, prefix + "C" + i.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal);
                if (part == null)
                    return null;
                whole += part;
            }
            return Uri.UnescapeDataString(whole);
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
    }
}
