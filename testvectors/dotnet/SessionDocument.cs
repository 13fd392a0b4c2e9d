using System;
using System.Collections.Generic;
using System.IO;
using System.Security.Claims;
using System.Xml;

namespace WebFarm
{
    /// <summary>
    /// The token document of WIF 4.5: one SessionToken element in the runtime's
    /// binary XML, with a dictionary both sides know. The runtime decides how
    /// each text and number is laid out; the order of elements is WIF's.
    /// </summary>
    static class SessionDocument
    {
        public static byte[] Write(SessionToken t)
        {
            MemoryStream bytes = new MemoryStream();
            using (XmlDictionaryWriter w = XmlDictionaryWriter.CreateBinaryWriter(bytes, names))
            {
                Start(w, "SessionToken");
                if (t.IsPersistent)
                    Attribute(w, "PersistentTrue", "");
                if (t.IsReferenceMode)
                    Attribute(w, "ReferenceModeTrue", "");
                if (!string.IsNullOrEmpty(t.Context))
                    Text(w, "Context", t.Context);
                Text(w, "Version", "1");
                Text(w, "SecureConversationVersion", t.SecureConversationVersion);
                Text(w, "Id", t.Id);
                Text(w, "ContextId", t.ContextId);
                Bytes(w, "Key", t.Key);
                if (!string.IsNullOrEmpty(t.KeyGeneration))
                    Text(w, "KeyGeneration", t.KeyGeneration);
                Time(w, "EffectiveTime", t.ValidFrom);
                Time(w, "ExpiryTime", t.ValidTo);
                Time(w, "KeyEffectiveTime", t.KeyEffectiveTime);
                Time(w, "KeyExpiryTime", t.KeyExpirationTime);
                Start(w, "ClaimsPrincipal");
                Start(w, "Identities");
                foreach (ClaimsIdentity identity in t.Principal.Identities)
                    WriteIdentity(w, identity);
                w.WriteEndElement();
                w.WriteEndElement();
                Text(w, "EndpointId", t.EndpointId);
                w.WriteEndElement();
            }
            return bytes.ToArray();
        }

        static void WriteIdentity(XmlDictionaryWriter w, ClaimsIdentity identity)
        {
            Start(w, "Identity");
            if (!string.IsNullOrEmpty(identity.AuthenticationType))
                Attribute(w, "AuthenticationType", identity.AuthenticationType);
            if (!string.IsNullOrEmpty(identity.Label))
                Attribute(w, "Label", identity.Label);
            Attribute(w, "NameClaimType", identity.NameClaimType);
            Attribute(w, "RoleClaimType", identity.RoleClaimType);
            Start(w, "ClaimCollection");
            foreach (Claim claim in identity.Claims)
            {
                Start(w, "Claim");
                Attribute(w, "Issuer", claim.Issuer);
                Attribute(w, "OriginalIssuer", claim.OriginalIssuer);
                Attribute(w, "Type", claim.Type);
                Attribute(w, "Value", claim.Value);
                Attribute(w, "ValueType", claim.ValueType);
                if (claim.Properties.Count > 0)
                {
                    Start(w, "ClaimProperties");
                    foreach (KeyValuePair<string, string> p in claim.Properties)
                    {
                        if (p.Key.Length == 0 || string.IsNullOrEmpty(p.Value))
                            continue;
                        Start(w, "ClaimProperty");
                        Attribute(w, "ClaimPropertyName", p.Key);
                        Attribute(w, "ClaimPropertyValue", p.Value);
                        w.WriteEndElement();
                    }
                    w.WriteEndElement();
                }
                w.WriteEndElement();
            }
            w.WriteEndElement();
            if (identity.Actor != null)
            {
                Start(w, "Actor");
                WriteIdentity(w, identity.Actor);
                w.WriteEndElement();
            }
            Bootstrap bootstrap = identity.BootstrapContext as Bootstrap;
            if (bootstrap != null)
                Bytes(w, "BootStrapToken", ObjectStream.Write(bootstrap));
            w.WriteEndElement();
        }

        public static SessionToken Read(byte[] document)
        {
            XmlDictionaryReaderQuotas quotas = new XmlDictionaryReaderQuotas();
            XmlDictionaryReaderQuotas.Max.CopyTo(quotas);
            quotas.MaxDepth = 64;
            using (XmlDictionaryReader r = XmlDictionaryReader.CreateBinaryReader(document, 0, document.Length, names, quotas))
            {
                SessionToken t = new SessionToken();
                Expect(r, "SessionToken");
                t.IsPersistent = HasAttribute(r, "PersistentTrue");
                t.IsReferenceMode = HasAttribute(r, "ReferenceModeTrue");
                r.ReadStartElement();
                if (At(r, "Context"))
                    t.Context = r.ReadElementContentAsString();
                if (ReadText(r, "Version") != "1")
                    throw new XmlException("session token: unknown version");
                t.SecureConversationVersion = ReadText(r, "SecureConversationVersion");
                if (t.SecureConversationVersion != SessionToken.Version13 && t.SecureConversationVersion != SessionToken.VersionFeb2005)
                    throw new XmlException("session token: unknown secure conversation version");
                t.Id = ReadText(r, "Id");
                if (t.Id.Length == 0)
                    throw new XmlException("session token: ID4239, no id");
                Expect(r, "ContextId");
                t.ContextId = r.ReadElementContentAsUniqueId().ToString();
                Expect(r, "Key");
                t.Key = r.ReadElementContentAsBase64();
                if (At(r, "KeyGeneration"))
                    t.KeyGeneration = r.ReadElementContentAsUniqueId().ToString();
                t.ValidFrom = ReadTime(r, "EffectiveTime");
                t.ValidTo = ReadTime(r, "ExpiryTime");
                t.KeyEffectiveTime = ReadTime(r, "KeyEffectiveTime");
                t.KeyExpirationTime = ReadTime(r, "KeyExpiryTime");
                if (At(r, "ClaimsPrincipal"))
                    t.Principal = ReadPrincipal(r);
                if (At(r, "SctAuthorizationPolicy"))
                    r.Skip();
                if (At(r, "EndpointId"))
                    t.EndpointId = r.ReadElementContentAsString();
                r.ReadEndElement();
                while (r.Read())
                    if (r.NodeType != XmlNodeType.Whitespace && r.NodeType != XmlNodeType.Comment)
                        throw new XmlException("session token: something after the end");
                return t;
            }
        }

        static ClaimsPrincipal ReadPrincipal(XmlDictionaryReader r)
        {
            List<ClaimsIdentity> identities = new List<ClaimsIdentity>();
            if (Enter(r, "ClaimsPrincipal"))
            {
                if (At(r, "Identities") && Enter(r, "Identities"))
                {
                    while (At(r, "Identity"))
                        identities.Add(ReadIdentity(r));
                    r.ReadEndElement();
                }
                r.ReadEndElement();
            }
            return identities.Count > 0 ? new ClaimsPrincipal(identities) : null;
        }

        static ClaimsIdentity ReadIdentity(XmlDictionaryReader r)
        {
            Expect(r, "Identity");
            if (!string.IsNullOrEmpty(r.GetAttribute("WindowsLogonName")))
                throw new PlatformNotSupportedException("session token: only Windows can log this identity on");
            ClaimsIdentity identity = new ClaimsIdentity(r.GetAttribute("AuthenticationType"), r.GetAttribute("NameClaimType"), r.GetAttribute("RoleClaimType"));
            string label = r.GetAttribute("Label");
            if (!string.IsNullOrEmpty(label))
                identity.Label = label;
            if (!Enter(r, "Identity"))
                return identity;
            if (At(r, "ClaimCollection") && Enter(r, "ClaimCollection"))
            {
                while (At(r, "Claim"))
                    identity.AddClaim(ReadClaim(r, identity));
                r.ReadEndElement();
            }
            if (At(r, "Actor"))
            {
                r.ReadStartElement();
                identity.Actor = ReadIdentity(r);
                r.ReadEndElement();
            }
            if (At(r, "BootStrapToken"))
                identity.BootstrapContext = ObjectStream.ReadBootstrap(r.ReadElementContentAsBase64());
            r.ReadEndElement();
            return identity;
        }

        static Claim ReadClaim(XmlDictionaryReader r, ClaimsIdentity subject)
        {
            // The constructor supplies what is missing, as it does in WIF.
            Claim claim = new Claim(r.GetAttribute("Type"), r.GetAttribute("Value"), r.GetAttribute("ValueType"),
                r.GetAttribute("Issuer"), r.GetAttribute("OriginalIssuer"), subject);
            if (!Enter(r, "Claim"))
                return claim;
            if (At(r, "ClaimProperties") && Enter(r, "ClaimProperties"))
            {
                while (At(r, "ClaimProperty"))
                {
                    string name = r.GetAttribute("ClaimPropertyName"), value = r.GetAttribute("ClaimPropertyValue");
                    if (string.IsNullOrEmpty(name) || string.IsNullOrEmpty(value))
                        throw new XmlException("session token: ID4249, claim property without name or value");
                    claim.Properties.Add(name, value);
                    if (Enter(r, "ClaimProperty"))
                        r.ReadEndElement();
                }
                r.ReadEndElement();
            }
            r.ReadEndElement();
            return claim;
        }

        // Elements and attributes are in no namespace: the dictionary's empty text.

        static void Start(XmlDictionaryWriter w, string name)
        {
            w.WriteStartElement(Name(name), none);
        }

        static void Attribute(XmlDictionaryWriter w, string name, string value)
        {
            w.WriteAttributeString(Name(name), none, value);
        }

        static void Text(XmlDictionaryWriter w, string name, string value)
        {
            w.WriteElementString(Name(name), none, value);
        }

        static void Time(XmlDictionaryWriter w, string name, DateTime time)
        {
            Start(w, name);
            w.WriteValue(time.Ticks);
            w.WriteEndElement();
        }

        static void Bytes(XmlDictionaryWriter w, string name, byte[] data)
        {
            Start(w, name);
            w.WriteBase64(data, 0, data.Length);
            w.WriteEndElement();
        }

        static bool At(XmlDictionaryReader r, string name)
        {
            return r.IsStartElement(Name(name), none);
        }

        static void Expect(XmlDictionaryReader r, string name)
        {
            if (!At(r, name))
                throw new XmlException("session token: ID4230, want " + name);
        }

        /// <summary>Goes into an element; false for one that is written as empty.</summary>
        static bool Enter(XmlDictionaryReader r, string name)
        {
            Expect(r, name);
            bool empty = r.IsEmptyElement;
            r.ReadStartElement();
            return !empty;
        }

        static bool HasAttribute(XmlDictionaryReader r, string name)
        {
            return r.GetAttribute(name) != null;
        }

        static string ReadText(XmlDictionaryReader r, string name)
        {
            Expect(r, name);
            return r.ReadElementContentAsString();
        }

        static DateTime ReadTime(XmlDictionaryReader r, string name)
        {
            Expect(r, name);
            return new DateTime(r.ReadElementContentAsLong(), DateTimeKind.Utc);
        }

        static XmlDictionaryString Name(string name)
        {
            XmlDictionaryString found;
            if (!names.TryLookup(name, out found))
                throw new ArgumentException("session token: no such name: " + name);
            return found;
        }

        static readonly XmlDictionary names = MakeNames();
        static readonly XmlDictionaryString none = Name("");

        static XmlDictionary MakeNames()
        {
            XmlDictionary d = new XmlDictionary();
            foreach (string name in new string[] {
                "Claim", "SecurityContextToken", "Version", "SecureConversationVersion", "Issuer", "OriginalIssuer", "IssuerRef",
                "ClaimCollection", "Actor", "ClaimProperty", "ClaimProperties", "Value", "ValueType", "Label", "Type", "subjectID",
                "ClaimPropertyName", "ClaimPropertyValue", "AuthenticationType", "NameClaimType", "RoleClaimType", "Null", "", "Key",
                "EffectiveTime", "ExpiryTime", "KeyGeneration", "KeyEffectiveTime", "KeyExpiryTime", "SessionId", "Id", "ValidFrom",
                "ValidTo", "ContextId", "SessionToken", "SessionTokenCookie", "BootStrapToken", "Context", "ClaimsPrincipal",
                "WindowsPrincipal", "WindowIdentity", "Identity", "Identities", "WindowsLogonName", "PersistentTrue",
                "SctAuthorizationPolicy", "Right", "EndpointId", "WindowsSidClaim", "DenyOnlySidClaim", "X500DistinguishedNameClaim",
                "X509ThumbprintClaim", "NameClaim", "DnsClaim", "RsaClaim", "MailAddressClaim", "SystemClaim", "HashClaim", "SpnClaim",
                "UpnClaim", "UrlClaim", "Sid", "ReferenceModeTrue" })
                d.Add(name);
            return d;
        }
    }
}
