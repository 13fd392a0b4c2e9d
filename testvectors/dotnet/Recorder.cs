using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Security.Claims;
using System.Text;

namespace WebFarm
{
    /// <summary>
    /// Writes test vectors in the format of the README beside the recorded ones:
    /// sessiontoken_45.json, formsauth.json and owin.json with the keys of a
    /// web.config. What a vector expects is what reading the cookie again gave.
    /// </summary>
    static class Recorder
    {
        public static void Record(string config, string folder)
        {
            SiteSettings settings = SiteSettings.Load(config);
            Credentials credentials = Credentials.Open(settings.MachineKey);
            Directory.CreateDirectory(folder);
            Save(folder, "sessiontoken_45.json", Sessions(settings, credentials));
            Save(folder, "formsauth.json", Forms(settings, credentials));
            Save(folder, "owin.json", Owin(settings, credentials));
        }

        static void Save(string folder, string name, Json json)
        {
            File.WriteAllText(Path.Combine(folder, name), json.ToString() + "\n", new UTF8Encoding(false));
        }

        static readonly DateTime start = new DateTime(2026, 3, 3, 9, 15, 0, DateTimeKind.Utc).AddTicks(1234567);

        /// <summary>Users with little and much to say, in names that need care.</summary>
        static IEnumerable<ClaimsIdentity> Users(string authenticationType)
        {
            string[] names = { "bob", "", "Zoë \u4e16\u754c \U0001F600", "<&\"'>", "0", "1", new string('x', 300) };
            int claims = 0;
            foreach (string name in names)
            {
                ClaimsIdentity identity = new ClaimsIdentity(authenticationType);
                identity.AddClaim(new Claim(ClaimTypes.Name, name));
                identity.AddClaim(new Claim(ClaimTypes.Role, "admin", ClaimValueTypes.String, "issuer", "original issuer"));
                identity.AddClaim(new Claim("http://example.com/age", "42", ClaimValueTypes.Integer));
                for (int i = 0; i < claims; i++)
                    identity.AddClaim(new Claim("http://example.com/" + i, Guid.NewGuid().ToString()));
                yield return identity;
                claims = 3 * claims + 1;
            }
        }

        static Json Key(Json j, string name, MachineKeySettings key, bool withMode)
        {
            j.Open('{', name).Add("validationKey", key.ValidationKey).Add("decryptionKey", key.DecryptionKey);
            j.Add("validation", key.Validation).Add("decryption", key.Decryption);
            if (withMode)
                j.Add("compatibilityMode", key.Mode);
            return j.Close('}');
        }

        static Json Sessions(SiteSettings settings, Credentials credentials)
        {
            Json j = new Json().Open('{', null).Open('{', "machineKeys");
            Key(j, "site", settings.MachineKey, false).Close('}').Open('[', "vectors");
            int n = 0;
            foreach (ClaimsIdentity identity in Users("Federation"))
            {
                SessionToken t = new SessionToken();
                t.Id = "_" + Guid.NewGuid().ToString();
                t.ContextId = "urn:uuid:" + Guid.NewGuid().ToString();
                t.EndpointId = n % 2 == 0 ? settings.SessionPath : "";
                t.Context = n % 3 == 0 ? "" : "context " + n;
                t.Key = Guid.NewGuid().ToByteArray();
                t.ValidFrom = t.KeyEffectiveTime = start;
                t.ValidTo = t.KeyExpirationTime = start.AddHours(10);
                t.IsPersistent = n % 2 == 1;
                if (n == 2)
                {
                    ClaimsIdentity actor = new ClaimsIdentity("Delegation");
                    actor.AddClaim(new Claim(ClaimTypes.Name, "a service"));
                    identity.Actor = actor;
                }
                t.Principal = new ClaimsPrincipal(identity);
                string text = credentials.WriteSession(t);

                j.Open('{', null).Add("name", "session " + ++n).Add("machineKey", "site");
                j.Add("cookieName", settings.SessionName).Add("chunkSize", settings.ChunkSize).Open('[', "cookies");
                foreach (CookiePair c in WifChunks.Split(settings.SessionName, text, settings.ChunkSize))
                    j.Open('{', null).Add("name", c.Name).Add("value", c.Value).Close('}');
                j.Close(']');
                Token(j, credentials.ReadSession(text));
                j.Open('{', "validate").Add("path", settings.SessionPath).Add("valid", true);
                j.Add("at", start.AddHours(1).ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture)).Close('}').Close('}');
            }
            return j.Close(']').Close('}');
        }

        static void Token(Json j, SessionToken t)
        {
            j.Open('{', "expected").Add("id", t.Id).Add("contextId", t.ContextId).Add("context", t.Context).Add("endpointId", t.EndpointId);
            j.Add("keyHex", Hex.Encode(t.Key).ToLowerInvariant());
            j.Add("validFromTicks", Ticks(t.ValidFrom)).Add("validToTicks", Ticks(t.ValidTo));
            j.Add("keyEffectiveTicks", Ticks(t.KeyEffectiveTime)).Add("keyExpirationTicks", Ticks(t.KeyExpirationTime));
            j.Add("isPersistent", t.IsPersistent).Add("isReferenceMode", t.IsReferenceMode);
            j.Add("secureConversationVersion", t.SecureConversationVersion).Open('[', "identities");
            foreach (ClaimsIdentity identity in t.Principal.Identities)
                Identity(j, null, identity);
            j.Close(']').Close('}');
        }

        static void Identity(Json j, string name, ClaimsIdentity i)
        {
            j.Open('{', name).Add("authenticationType", i.AuthenticationType).Add("label", i.Label);
            j.Add("nameClaimType", i.NameClaimType).Add("roleClaimType", i.RoleClaimType).Open('[', "claims");
            foreach (Claim c in i.Claims)
                Claims(j, c).Close('}');
            j.Close(']');
            if (i.Actor != null)
                Identity(j, "actor", i.Actor);
            j.Close('}');
        }

        static Json Claims(Json j, Claim c)
        {
            j.Open('{', null).Add("type", c.Type).Add("value", c.Value).Add("valueType", c.ValueType);
            return j.Add("issuer", c.Issuer).Add("originalIssuer", c.OriginalIssuer);
        }

        static Json Forms(SiteSettings settings, Credentials credentials)
        {
            Json j = new Json().Open('{', null).Open('[', "vectors");
            int n = 0;
            foreach (ClaimsIdentity identity in Users("Forms"))
            {
                FormsTicket t = new FormsTicket();
                t.Name = identity.Name;
                t.UserData = n % 2 == 0 ? "" : "admin,\u00fcser";
                t.CookiePath = settings.FormsPath;
                t.IsPersistent = n % 2 == 1;
                t.IssueDate = start;
                t.Expiration = start + settings.FormsTimeout;
                string text = credentials.WriteForms(t);
                t = credentials.ReadForms(text);

                j.Open('{', null).Add("name", "forms " + ++n).Add("op", "formsDecrypt");
                Key(j, "machineKey", settings.MachineKey, true);
                j.Open('{', "forms").Add("protection", settings.MachineKey.FormsProtection).Close('}');
                j.Open('{', "appSettings").Add("aspnet:UseLegacyEncryption", settings.MachineKey.UseLegacyEncryption).Close('}');
                j.Add("cookie", text).Add("valid", true).Open('{', "ticket").Add("version", t.Version).Add("name", t.Name);
                j.Add("issueDateUtcTicks", t.IssueDate.Ticks).Add("expirationUtcTicks", t.Expiration.Ticks);
                j.Add("isPersistent", t.IsPersistent).Add("userData", t.UserData).Add("cookiePath", t.CookiePath).Close('}').Close('}');
            }
            return j.Close(']').Close('}');
        }

        static Json Owin(SiteSettings settings, Credentials credentials)
        {
            string[] purposes = OwinGlue.CookiePurposes("ApplicationCookie");
            Json j = new Json().Open('{', null).Open('{', "keys");
            Key(j, "site", settings.MachineKey, false).Close('}').Open('[', "vectors");
            int n = 0;
            foreach (ClaimsIdentity identity in Users("ApplicationCookie"))
            {
                OwinTicket t = new OwinTicket();
                t.Identity = identity;
                t.Issued = start;
                t.Expires = start.AddDays(14);
                if (n % 2 == 1)
                    t.Properties[".persistent"] = "";
                string text = credentials.WriteOwin(t, "3", purposes);
                t = credentials.ReadOwin(text, "3", purposes);

                j.Open('{', null).Add("id", "owin " + ++n).Add("key", "site").Add("format", "3").Add("expect", "ok").Open('[', "purposes");
                foreach (string p in purposes)
                    j.Add(null, p);
                j.Close(']').Add("text", text).Open('{', "ticket").Add("authenticationType", t.Identity.AuthenticationType);
                j.Add("name", t.Identity.Name).Open('[', "claims");
                foreach (Claim c in t.Identity.Claims)
                    Claims(j, c).Close('}');
                j.Close(']').Add("isPersistent", t.IsPersistent).Close('}').Close('}');
            }
            return j.Close(']').Close('}');
        }

        static string Ticks(DateTime t)
        {
            return t.Ticks.ToString(CultureInfo.InvariantCulture);
        }
    }
}
