using System;
using System.IO;
using System.Text;

namespace WebFarm
{
    /// <summary>The fields of a FormsAuthenticationTicket; times are in UTC.</summary>
    sealed class FormsTicket
    {
        public int Version = 2;
        public string Name, UserData = "", CookiePath = "/";
        public DateTime IssueDate, Expiration;
        public bool IsPersistent;

        public static FormsTicket From(Fields f)
        {
            FormsTicket t = new FormsTicket();
            t.Version = (int)f.TakeLong("version");
            t.Name = f.Take("name");
            t.IssueDate = new DateTime(f.TakeLong("issued"), DateTimeKind.Utc);
            t.Expiration = new DateTime(f.TakeLong("expires"), DateTimeKind.Utc);
            t.IsPersistent = f.TakeBool("persistent");
            t.UserData = f.Take("userData");
            t.CookiePath = f.Take("path");
            return t;
        }

        public void AddTo(Fields f)
        {
            f.Add("version", Version).Add("name", Name).Add("issued", IssueDate.Ticks).Add("expires", Expiration.Ticks);
            f.Add("persistent", IsPersistent).Add("userData", UserData).Add("path", CookiePath);
        }

        /// <summary>
        /// The ticket that sliding expiration puts in the place of this one, or
        /// this one itself if more of its time is left than has passed.
        /// </summary>
        public FormsTicket Renew(DateTime now)
        {
            if (Expiration - now > now - IssueDate)
                return this;
            FormsTicket t = (FormsTicket)MemberwiseClone();
            t.IssueDate = now;
            t.Expiration = now + (Expiration - IssueDate);
            return t;
        }
    }

    /// <summary>
    /// What FormsAuthentication.Encrypt and Decrypt do.
    ///
    ///     01 | version | issued LE64 | FE | expires LE64 | persistent | name | user data | path | FF
    ///
    /// A text is the number of its UTF-16 units, seven bits a byte, then the units.
    /// </summary>
    static class FormsGlue
    {
        const string Purpose = "FormsAuthentication.Ticket";
        const int MaxText = 4096;

        public static string Encrypt(FormsTicket ticket, MachineKeyGlue keys, MachineKeySettings settings)
        {
            return Hex.Encode(Protect(Serialize(ticket), keys, settings));
        }

        /// <summary>Returns null, or fails, for anything but a good ticket.</summary>
        public static FormsTicket Decrypt(string text, MachineKeyGlue keys, MachineKeySettings settings)
        {
            if (string.IsNullOrEmpty(text) || text.Length > MaxText)
                throw new ArgumentException("forms: no text, or more than 4096 characters");
            byte[] data = Hex.IsHex(text) ? Hex.Decode(text) : UrlTokenDecode(text);
            if (data == null || data.Length == 0)
                throw new ArgumentException("forms: neither hex nor URL token");
            byte[] ticket = Unprotect(data, keys, settings);
            return ticket == null ? null : Deserialize(ticket);
        }

        static byte[] Protect(byte[] ticket, MachineKeyGlue keys, MachineKeySettings settings)
        {
            if (!settings.IsLegacy)
                return keys.Protect45(ticket, Purpose);
            bool validate = settings.FormsProtection == "All" || settings.FormsProtection == "Validation";
            bool encrypt = settings.FormsProtection == "All" || settings.FormsProtection == "Encryption";
            if (validate)
            {
                byte[] hash = keys.HashLegacy(ticket);
                Array.Resize(ref ticket, ticket.Length + hash.Length);
                hash.CopyTo(ticket, ticket.Length - hash.Length);
            }
            return encrypt ? keys.EncryptLegacy(ticket, !settings.UseLegacyEncryption) : ticket;
        }

        static byte[] Unprotect(byte[] data, MachineKeyGlue keys, MachineKeySettings settings)
        {
            if (!settings.IsLegacy)
                return keys.Unprotect45(data, Purpose);
            if (settings.FormsProtection == "All" || settings.FormsProtection == "Encryption")
                data = keys.DecryptLegacy(data, !settings.UseLegacyEncryption);
            if (settings.FormsProtection == "All" || settings.FormsProtection == "Validation")
                data = keys.StripHashLegacy(data);
            return data;
        }

        static byte[] Serialize(FormsTicket t)
        {
            MemoryStream bytes = new MemoryStream();
            TicketWriter w = new TicketWriter(bytes);
            w.Write((byte)1);
            w.Write((byte)t.Version);
            w.Write(t.IssueDate.Ticks);
            w.Write((byte)0xFE);
            w.Write(t.Expiration.Ticks);
            w.Write(t.IsPersistent);
            w.WriteText(t.Name);
            w.WriteText(t.UserData);
            w.WriteText(t.CookiePath);
            w.Write((byte)0xFF);
            w.Flush();
            return bytes.ToArray();
        }

        static FormsTicket Deserialize(byte[] data)
        {
            try
            {
                MemoryStream bytes = new MemoryStream(data);
                TicketReader r = new TicketReader(bytes);
                FormsTicket t = new FormsTicket();
                if (r.ReadByte() != 1)
                    return null;
                t.Version = r.ReadByte();
                t.IssueDate = new DateTime(r.ReadInt64(), DateTimeKind.Utc);
                if (r.ReadByte() != 0xFE)
                    return null;
                t.Expiration = new DateTime(r.ReadInt64(), DateTimeKind.Utc);
                byte persistent = r.ReadByte();
                if (persistent > 1)
                    return null;
                t.IsPersistent = persistent == 1;
                t.Name = r.ReadText();
                t.UserData = r.ReadText();
                t.CookiePath = r.ReadText();
                if (r.ReadByte() != 0xFF || bytes.Position != bytes.Length)
                    return null;
                return t;
            }
            catch (EndOfStreamException) { return null; }
            catch (FormatException) { return null; }
            catch (ArgumentOutOfRangeException) { return null; }
        }

        // The two make the runtime's own length encoding public, and take texts
        // as they are: no encoding could carry half a surrogate pair.

        sealed class TicketWriter : BinaryWriter
        {
            public TicketWriter(Stream s) : base(s) { }

            public void WriteText(string s)
            {
                Write7BitEncodedInt(s.Length);
                foreach (char c in s)
                    Write((ushort)c);
            }
        }

        sealed class TicketReader : BinaryReader
        {
            public TicketReader(Stream s) : base(s) { }

            public string ReadText()
            {
                int n = Read7BitEncodedInt();
                if (n < 0 || n > (BaseStream.Length - BaseStream.Position) / 2)
                    throw new FormatException("forms: text longer than the ticket");
                StringBuilder b = new StringBuilder(n);
                for (int i = 0; i < n; i++)
                    b.Append((char)ReadUInt16());
                return b.ToString();
            }
        }

        /// <summary>Base64 with - and _, and the number of missing = as last digit.</summary>
        public static byte[] UrlTokenDecode(string text)
        {
            int padding = text[text.Length - 1] - '0';
            if (padding < 0 || padding > 10)
                return null;
            string body = text.Substring(0, text.Length - 1).Replace('-', '+').Replace('_', '/');
            return Convert.FromBase64String(body + new string('=', padding));
        }
    }
}
