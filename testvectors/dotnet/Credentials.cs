using System.Security.Cryptography;

namespace WebFarm
{
    /// <summary>
    /// Writes and reads all three kinds of credential with one machine key. Here
    /// that is the glue of this program; with NETFX defined it is .NET itself.
    /// </summary>
    sealed class Credentials
    {
        public static Credentials Open(MachineKeySettings settings)
        {
            return new Credentials(settings);
        }

#if NETFX
        readonly Framework framework;

        Credentials(MachineKeySettings settings)
        {
            framework = Framework.Start(settings);
        }

        public string WriteSession(SessionToken t)
        {
            Fields fields = new Fields("token");
            t.AddTo(fields);
            return framework.WriteSession(fields);
        }

        public SessionToken ReadSession(string text)
        {
            return SessionToken.From(framework.ReadSession(text));
        }

        public string WriteForms(FormsTicket t)
        {
            Fields fields = new Fields("token");
            t.AddTo(fields);
            return framework.WriteForms(fields);
        }

        public FormsTicket ReadForms(string text)
        {
            return FormsTicket.From(framework.ReadForms(text));
        }

        byte[] Protect(byte[] data, params string[] purposes)
        {
            return framework.Protect(data, purposes);
        }

        byte[] Unprotect(byte[] data, params string[] purposes)
        {
            return framework.Unprotect(data, purposes);
        }
#else
        readonly MachineKeySettings settings;
        readonly MachineKeyGlue keys;

        Credentials(MachineKeySettings settings)
        {
            this.settings = settings;
            keys = new MachineKeyGlue(settings);
        }

        public string WriteSession(SessionToken t)
        {
            return SessionTokenGlue.Write(t, keys);
        }

        public SessionToken ReadSession(string text)
        {
            return SessionTokenGlue.Read(text, keys);
        }

        public string WriteForms(FormsTicket t)
        {
            return FormsGlue.Encrypt(t, keys, settings);
        }

        public FormsTicket ReadForms(string text)
        {
            FormsTicket t = FormsGlue.Decrypt(text, keys, settings);
            if (t == null)
                throw new CryptographicException("forms: not a ticket");
            return t;
        }

        byte[] Protect(byte[] data, params string[] purposes)
        {
            return keys.Protect(data, purposes);
        }

        byte[] Unprotect(byte[] data, params string[] purposes)
        {
            return keys.Unprotect(data, purposes);
        }
#endif

        // Katana is no part of .NET: its tickets are this program's in both
        // builds, around MachineKey.Protect.

        public string WriteOwin(OwinTicket t, string format, string[] purposes)
        {
            return OwinGlue.Write(t, format, Protect, purposes);
        }

        public OwinTicket ReadOwin(string text, string format, string[] purposes)
        {
            return OwinGlue.Read(text, format, Unprotect, purposes);
        }
    }
}
