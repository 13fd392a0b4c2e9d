using System;
using System.Collections.Generic;
using System.Security.Claims;

namespace WebFarm
{
    /// <summary>
    /// The fields of a System.IdentityModel.Tokens.SessionSecurityToken. The real
    /// class cannot be given an id or a key generation, so the glue has its own.
    /// </summary>
    sealed class SessionToken
    {
        public const string Version13 = "http://docs.oasis-open.org/ws-sx/ws-secureconversation/200512";
        public const string VersionFeb2005 = "http://schemas.xmlsoap.org/ws/2005/02/sc";

        public string Id, ContextId, KeyGeneration, EndpointId = "", Context = "";
        public string SecureConversationVersion = Version13;
        public byte[] Key = new byte[0];
        public DateTime ValidFrom, ValidTo, KeyEffectiveTime, KeyExpirationTime;
        public bool IsPersistent, IsReferenceMode;
        public ClaimsPrincipal Principal;

        public static SessionToken From(Fields f)
        {
            SessionToken t = new SessionToken();
            t.Id = f.Take("id");
            t.ContextId = f.Take("contextId");
            t.KeyGeneration = f.Take("keyGeneration");
            t.EndpointId = f.Take("endpointId");
            t.Context = f.Take("context");
            t.Key = Hex.Decode(f.Take("key"));
            t.ValidFrom = Utc(f.TakeLong("validFrom"));
            t.ValidTo = Utc(f.TakeLong("validTo"));
            t.KeyEffectiveTime = Utc(f.TakeLong("keyEffective"));
            t.KeyExpirationTime = Utc(f.TakeLong("keyExpires"));
            t.IsPersistent = f.TakeBool("persistent");
            t.IsReferenceMode = f.TakeBool("reference");
            t.SecureConversationVersion = f.Take("secureConversation");
            List<ClaimsIdentity> identities = new List<ClaimsIdentity>();
            while (f.At("identity"))
                identities.Add(IdentityFields.From(f, "identity"));
            t.Principal = new ClaimsPrincipal(identities);
            return t;
        }

        public void AddTo(Fields f)
        {
            f.Add("id", Id).Add("contextId", ContextId).Add("keyGeneration", KeyGeneration);
            f.Add("endpointId", EndpointId).Add("context", Context).Add("key", Hex.Encode(Key));
            f.Add("validFrom", ValidFrom.Ticks).Add("validTo", ValidTo.Ticks);
            f.Add("keyEffective", KeyEffectiveTime.Ticks).Add("keyExpires", KeyExpirationTime.Ticks);
            f.Add("persistent", IsPersistent).Add("reference", IsReferenceMode);
            f.Add("secureConversation", SecureConversationVersion);
            if (Principal == null)
                return;
            foreach (ClaimsIdentity identity in Principal.Identities)
                IdentityFields.AddTo(f, identity, "identity");
        }

        static DateTime Utc(long ticks)
        {
            return new DateTime(ticks, DateTimeKind.Utc);
        }
    }

    /// <summary>
    /// The security token that a user signed in with, kept in the session
    /// (BootstrapContext): S text, B bytes, T text of a token object.
    /// </summary>
    sealed class Bootstrap
    {
        public readonly char Kind;
        public readonly string Text;
        public readonly byte[] Bytes;

        public Bootstrap(char kind, string text, byte[] bytes)
        {
            Kind = kind;
            Text = text;
            Bytes = bytes;
        }
    }

    /// <summary>An identity as fields, with its claims and its actor.</summary>
    static class IdentityFields
    {
        public static ClaimsIdentity From(Fields f, string name)
        {
            string authentication = f.Take(name), label = f.Take("label");
            string nameType = f.Take("nameType"), roleType = f.Take("roleType");
            ClaimsIdentity identity = new ClaimsIdentity(authentication, nameType, roleType);
            if (label.Length > 0)
                identity.Label = label;
            if (f.At("bootstrapText"))
                identity.BootstrapContext = new Bootstrap('S', f.Take("bootstrapText"), null);
            else if (f.At("bootstrapBytes"))
                identity.BootstrapContext = new Bootstrap('B', null, Hex.Decode(f.Take("bootstrapBytes")));
            else if (f.At("bootstrapToken"))
                identity.BootstrapContext = new Bootstrap('T', f.Take("bootstrapToken"), null);
            while (f.At("claim"))
            {
                Claim claim = new Claim(f.Take("claim"), f.Take("value"), f.Take("valueType"), f.Take("issuer"), f.Take("originalIssuer"), identity);
                while (f.At("property"))
                    claim.Properties.Add(f.Take("property"), f.Take("propertyValue"));
                identity.AddClaim(claim);
            }
            if (f.At("actor"))
            {
                identity.Actor = From(f, "actor");
                f.Take("endActor");
            }
            return identity;
        }

        public static void AddTo(Fields f, ClaimsIdentity identity, string name)
        {
            f.Add(name, identity.AuthenticationType).Add("label", identity.Label);
            f.Add("nameType", identity.NameClaimType).Add("roleType", identity.RoleClaimType);
            Bootstrap b = identity.BootstrapContext as Bootstrap;
            if (b != null && b.Kind == 'B')
                f.Add("bootstrapBytes", Hex.Encode(b.Bytes));
            else if (b != null)
                f.Add(b.Kind == 'T' ? "bootstrapToken" : "bootstrapText", b.Text);
            foreach (Claim c in identity.Claims)
            {
                f.Add("claim", c.Type).Add("value", c.Value).Add("valueType", c.ValueType);
                f.Add("issuer", c.Issuer).Add("originalIssuer", c.OriginalIssuer);
                foreach (KeyValuePair<string, string> p in c.Properties)
                    f.Add("property", p.Key).Add("propertyValue", p.Value);
            }
            if (identity.Actor != null)
            {
                AddTo(f, identity.Actor, "actor");
                f.Add("endActor", "");
            }
        }
    }
}
