#if NETFX
using System;
using System.Collections.Generic;
using System.IdentityModel.Selectors;
using System.IdentityModel.Tokens;
using System.IO;
using System.Security.Claims;
using System.Security.Cryptography;
using System.Web.Security;
using System.Xml;

namespace WebFarm
{
    /// <summary>
    /// .NET itself: MachineKey, FormsAuthentication and WIF's session token
    /// handler. They take the machine key from the configuration of their
    /// application domain, so each key gets a domain of its own; only texts and
    /// bytes pass between the domains.
    /// </summary>
    sealed class Framework : MarshalByRefObject
    {
        public static Framework Start(MachineKeySettings settings)
        {
            string file = Path.GetTempFileName();
            File.WriteAllText(file, settings.ToConfig());
            AppDomainSetup setup = new AppDomainSetup();
            setup.ApplicationBase = AppDomain.CurrentDomain.BaseDirectory;
            setup.ConfigurationFile = file;
            AppDomain domain = AppDomain.CreateDomain("machine key", null, setup);
            Framework framework = (Framework)domain.CreateInstanceAndUnwrap(typeof(Framework).Assembly.FullName, typeof(Framework).FullName);
            // The file has to stay: .NET reads each section when it is first used.
            AppDomain.CurrentDomain.ProcessExit += delegate { File.Delete(file); };
            return framework;
        }

        public byte[] Protect(byte[] data, params string[] purposes)
        {
            return MachineKey.Protect(data, purposes);
        }

        public byte[] Unprotect(byte[] data, params string[] purposes)
        {
            return MachineKey.Unprotect(data, purposes);
        }

        /// <summary>The id and the secure conversation version are .NET's to choose.</summary>
        public string WriteSession(Fields fields)
        {
            SessionToken t = SessionToken.From(fields);
            foreach (ClaimsIdentity identity in t.Principal.Identities)
                ToFramework(identity);
            SessionSecurityToken token = new SessionSecurityToken(t.Principal, new UniqueId(t.ContextId), t.Context, t.EndpointId,
                t.ValidFrom, t.ValidTo, new InMemorySymmetricSecurityKey(t.Key));
            token.IsPersistent = t.IsPersistent;
            token.IsReferenceMode = t.IsReferenceMode;
            return Convert.ToBase64String(NewHandler().WriteToken(token));
        }

        public Fields ReadSession(string text)
        {
            SecurityTokenResolver none = SecurityTokenResolver.CreateDefaultSecurityTokenResolver(new List<SecurityToken>().AsReadOnly(), false);
            SessionSecurityToken token = (SessionSecurityToken)NewHandler().ReadToken(Convert.FromBase64String(text), none);
            SessionToken t = new SessionToken();
            t.Id = token.Id;
            t.ContextId = token.ContextId.ToString();
            t.KeyGeneration = token.KeyGeneration == null ? "" : token.KeyGeneration.ToString();
            t.EndpointId = token.EndpointId;
            t.Context = token.Context;
            t.SecureConversationVersion = token.SecureConversationVersion.AbsoluteUri;
            foreach (SecurityKey key in token.SecurityKeys)
                if (key is SymmetricSecurityKey)
                    t.Key = ((SymmetricSecurityKey)key).GetSymmetricKey();
            t.ValidFrom = token.ValidFrom;
            t.ValidTo = token.ValidTo;
            t.KeyEffectiveTime = token.KeyEffectiveTime;
            t.KeyExpirationTime = token.KeyExpirationTime;
            t.IsPersistent = token.IsPersistent;
            t.IsReferenceMode = token.IsReferenceMode;
            t.Principal = token.ClaimsPrincipal;
            foreach (ClaimsIdentity identity in t.Principal.Identities)
                FromFramework(identity);
            Fields fields = new Fields("token");
            t.AddTo(fields);
            return fields;
        }

        public string WriteForms(Fields fields)
        {
            FormsTicket t = FormsTicket.From(fields);
            return FormsAuthentication.Encrypt(new FormsAuthenticationTicket(t.Version, t.Name, t.IssueDate.ToLocalTime(),
                t.Expiration.ToLocalTime(), t.IsPersistent, t.UserData, t.CookiePath));
        }

        public Fields ReadForms(string text)
        {
            FormsAuthenticationTicket ticket = FormsAuthentication.Decrypt(text);
            if (ticket == null)
                throw new CryptographicException("forms: not a ticket");
            FormsTicket t = new FormsTicket();
            t.Version = ticket.Version;
            t.Name = ticket.Name;
            t.IssueDate = ticket.IssueDate.ToUniversalTime();
            t.Expiration = ticket.Expiration.ToUniversalTime();
            t.IsPersistent = ticket.IsPersistent;
            t.UserData = ticket.UserData;
            t.CookiePath = ticket.CookiePath;
            Fields fields = new Fields("token");
            t.AddTo(fields);
            return fields;
        }

        // By name, so that the program compiles where this assembly is missing.
        const string Handler = "System.IdentityModel.Services.Tokens.MachineKeySessionSecurityTokenHandler, " +
            "System.IdentityModel.Services, Version=4.0.0.0, Culture=neutral, PublicKeyToken=b77a5c561934e089";

        static SessionSecurityTokenHandler NewHandler()
        {
            SessionSecurityTokenHandler handler = (SessionSecurityTokenHandler)Activator.CreateInstance(Type.GetType(Handler, true));
            handler.Configuration = new SecurityTokenHandlerConfiguration();
            return handler;
        }

        static void ToFramework(ClaimsIdentity identity)
        {
            Bootstrap b = identity.BootstrapContext as Bootstrap;
            if (b != null)
                identity.BootstrapContext = b.Kind == 'B' ? new BootstrapContext(b.Bytes) : new BootstrapContext(b.Text);
            if (identity.Actor != null)
                ToFramework(identity.Actor);
        }

        static void FromFramework(ClaimsIdentity identity)
        {
            BootstrapContext b = identity.BootstrapContext as BootstrapContext;
            if (b != null)
                identity.BootstrapContext = b.TokenBytes != null ? new Bootstrap('B', null, b.TokenBytes) : new Bootstrap('S', b.Token, null);
            if (identity.Actor != null)
                FromFramework(identity.Actor);
        }

        /// <summary>Null: not collected while a node or a pipe may still call it.</summary>
        public override object InitializeLifetimeService()
        {
            return null;
        }
    }
}
#endif
