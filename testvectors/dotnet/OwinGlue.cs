using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.IO.Compression;
using System.Security.Claims;

namespace WebFarm
{
    /// <summary>Katana's AuthenticationTicket: an identity and a bag of properties.</summary>
    sealed class OwinTicket
    {
        public ClaimsIdentity Identity;
        public Dictionary<string, string> Properties = new Dictionary<string, string>(StringComparer.Ordinal);

        public static OwinTicket From(Fields f)
        {
            OwinTicket t = new OwinTicket();
            t.Identity = IdentityFields.From(f, "identity");
            while (f.At("ticketProperty"))
                t.Properties.Add(f.Take("ticketProperty"), f.Take("ticketValue"));
            return t;
        }

        public void AddTo(Fields f)
        {
            IdentityFields.AddTo(f, Identity, "identity");
            foreach (KeyValuePair<string, string> p in Properties)
                f.Add("ticketProperty", p.Key).Add("ticketValue", p.Value);
        }

        public DateTime? Issued
        {
            get { return Time(".issued"); }
            set { Properties[".issued"] = value.Value.ToString("r", CultureInfo.InvariantCulture); }
        }

        public DateTime? Expires
        {
            get { return Time(".expires"); }
            set { Properties[".expires"] = value.Value.ToString("r", CultureInfo.InvariantCulture); }
        }

        public bool IsPersistent
        {
            get { return Properties.ContainsKey(".persistent"); }
        }

        /// <summary>The cookie middleware's rule; seconds count, fractions do not.</summary>
        public OwinTicket Renew(DateTime now)
        {
            now = new DateTime(now.Ticks - now.Ticks % TimeSpan.TicksPerSecond, DateTimeKind.Utc);
            string refresh;
            bool allowed = true;
            if (Properties.TryGetValue(".refresh", out refresh) && !bool.TryParse(refresh, out allowed))
                allowed = true;
            if (Issued == null || Expires == null || !allowed || Expires.Value - now >= now - Issued.Value)
                return this;
            OwinTicket t = new OwinTicket();
            t.Identity = Identity;
            t.Properties = new Dictionary<string, string>(Properties, StringComparer.Ordinal);
            t.Issued = now;
            t.Expires = now + (Expires.Value - Issued.Value);
            return t;
        }

        DateTime? Time(string name)
        {
            string text;
            DateTime time;
            if (!Properties.TryGetValue(name, out text) || !DateTime.TryParseExact(text, "r", CultureInfo.InvariantCulture,
                DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out time))
                return null;
            return time;
        }
    }

    /// <summary>
    /// What Microsoft.Owin.Security does for a cookie or bearer token: ticket,
    /// gzip, MachineKey.Protect, base64 with - and _ and no padding.
    /// </summary>
    static class OwinGlue
    {
        const string DefaultMark = "\0";
        const string LocalAuthority = "LOCAL AUTHORITY";
        const int MaxInflated = 1 << 20;

        public delegate byte[] Protection(byte[] data, params string[] purposes);

        /// <summary>The purposes of the cookie of an authentication type.</summary>
        public static string[] CookiePurposes(string authenticationType)
        {
            return new string[] { "Microsoft.Owin.Security.Cookies.CookieAuthenticationMiddleware", authenticationType, "v1" };
        }

        public static string Write(OwinTicket t, string format, Protection protect, string[] purposes)
        {
            MemoryStream packed = new MemoryStream();
            using (GZipStream gzip = new GZipStream(packed, CompressionMode.Compress, true))
            {
                byte[] ticket = Serialize(t, format);
                gzip.Write(ticket, 0, ticket.Length);
            }
            byte[] data = protect(packed.ToArray(), purposes);
            return Convert.ToBase64String(data).TrimEnd('=').Replace('+', '-').Replace('/', '_');
        }

        public static OwinTicket Read(string text, string format, Protection unprotect, string[] purposes)
        {
            string padding = new string('=', (4 - text.Length % 4) % 4);
            byte[] data = Convert.FromBase64String(text.Replace('-', '+').Replace('_', '/') + padding);
            byte[] packed = unprotect(data, purposes);
            using (GZipStream gzip = new GZipStream(new MemoryStream(packed), CompressionMode.Decompress))
                return Deserialize(Streams.ReadAll(gzip, MaxInflated), format);
        }

        public static byte[] Serialize(OwinTicket t, string format)
        {
            MemoryStream bytes = new MemoryStream();
            BinaryWriter w = new BinaryWriter(bytes);
            bool marks = format != "1";
            ClaimsIdentity identity = t.Identity;
            w.Write(Number(format));
            w.Write(identity.AuthenticationType);
            WriteOr(w, identity.NameClaimType, ClaimsIdentity.DefaultNameClaimType, marks);
            WriteOr(w, identity.RoleClaimType, ClaimsIdentity.DefaultRoleClaimType, marks);
            List<Claim> claims = new List<Claim>(identity.Claims);
            w.Write(claims.Count);
            foreach (Claim claim in claims)
            {
                WriteOr(w, claim.Type, identity.NameClaimType, marks);
                w.Write(claim.Value);
                WriteOr(w, claim.ValueType, ClaimValueTypes.String, marks);
                WriteOr(w, claim.Issuer, LocalAuthority, marks);
                if (marks)
                    WriteOr(w, claim.OriginalIssuer, claim.Issuer, marks);
            }
            if (HasBootstrap(format))
            {
                Bootstrap b = identity.BootstrapContext as Bootstrap;
                if (b == null || string.IsNullOrWhiteSpace(b.Text))
                    w.Write(0);
                else
                {
                    w.Write(b.Text.Length);
                    w.Write(b.Text);
                }
            }
            w.Write(1);
            w.Write(t.Properties.Count);
            foreach (KeyValuePair<string, string> p in t.Properties)
            {
                w.Write(p.Key);
                w.Write(p.Value);
            }
            w.Flush();
            return bytes.ToArray();
        }

        static OwinTicket Deserialize(byte[] data, string format)
        {
            BinaryReader r = new BinaryReader(new MemoryStream(data));
            bool marks = format != "1";
            if (r.ReadInt32() != Number(format))
                throw new InvalidDataException("owin: another version of the ticket");
            string authentication = r.ReadString();
            string nameType = ReadOr(r, ClaimsIdentity.DefaultNameClaimType, marks);
            string roleType = ReadOr(r, ClaimsIdentity.DefaultRoleClaimType, marks);
            Claim[] claims = new Claim[Count(r)];
            for (int i = 0; i < claims.Length; i++)
            {
                string type = ReadOr(r, nameType, marks);
                string value = r.ReadString();
                string valueType = ReadOr(r, ClaimValueTypes.String, marks);
                string issuer = ReadOr(r, LocalAuthority, marks);
                claims[i] = marks
                    ? new Claim(type, value, valueType, issuer, ReadOr(r, issuer, marks))
                    : new Claim(type, value, valueType, issuer);
            }
            OwinTicket t = new OwinTicket();
            t.Identity = new ClaimsIdentity(claims, authentication, nameType, roleType);
            if (HasBootstrap(format) && r.ReadInt32() > 0)
                t.Identity.BootstrapContext = new Bootstrap('S', r.ReadString(), null);
            if (r.ReadInt32() == 1)
                for (int i = Count(r); i > 0; i--)
                {
                    string name = r.ReadString();
                    t.Properties.Add(name, r.ReadString());
                }
            return t;
        }

        static int Number(string format)
        {
            return format[0] - '0';
        }

        static bool HasBootstrap(string format)
        {
            return format != "1" && format != "2";
        }

        static void WriteOr(BinaryWriter w, string value, string byDefault, bool marks)
        {
            w.Write(marks && string.Equals(value, byDefault, StringComparison.Ordinal) ? DefaultMark : value);
        }

        static string ReadOr(BinaryReader r, string byDefault, bool marks)
        {
            string value = r.ReadString();
            return marks && value == DefaultMark ? byDefault : value;
        }

        /// <summary>A number of entries, of which each has at least two bytes.</summary>
        static int Count(BinaryReader r)
        {
            int n = r.ReadInt32();
            if (n < 0 || n > (r.BaseStream.Length - r.BaseStream.Position) / 2)
                throw new InvalidDataException("owin: more entries than the ticket has bytes");
            return n;
        }
    }
}
