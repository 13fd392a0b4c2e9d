using System;
using System.Collections.Generic;
using System.IO;
using System.Xml;

namespace WebFarm
{
    /// <summary>
    /// The attributes of &lt;machineKey&gt;, with .NET's defaults for those that are
    /// not written. A .NET site has one key: no older ones beside it.
    /// </summary>
    sealed class MachineKeySettings
    {
        public string ValidationKey = "", DecryptionKey = "";
        public string Validation = "HMACSHA256", Decryption = "Auto";
        public string Mode = "Framework20SP1";

        // Two settings from elsewhere in the file that change forms cookies.
        public string FormsProtection = "All";
        public bool UseLegacyEncryption;

        /// <summary>True if the mode is one of those before .NET 4.5.</summary>
        public bool IsLegacy
        {
            get { return Mode != "Framework45"; }
        }

        public static MachineKeySettings From(Fields f)
        {
            MachineKeySettings s = new MachineKeySettings();
            s.ValidationKey = f.Take("validationKey");
            s.DecryptionKey = f.Take("decryptionKey");
            s.Validation = f.TakeIf("validation") ?? s.Validation;
            s.Decryption = f.TakeIf("decryption") ?? s.Decryption;
            s.Mode = f.TakeIf("mode") ?? s.Mode;
            s.FormsProtection = f.TakeIf("protection") ?? s.FormsProtection;
            s.UseLegacyEncryption = f.TakeIf("useLegacyEncryption") == "1";
            return s;
        }

        /// <summary>The settings as a configuration file of their own.</summary>
        public string ToConfig()
        {
            StringWriter text = new StringWriter();
            using (XmlWriter w = XmlWriter.Create(text))
            {
                w.WriteStartElement("configuration");
                w.WriteStartElement("appSettings");
                w.WriteStartElement("add");
                w.WriteAttributeString("key", "aspnet:UseLegacyEncryption");
                w.WriteAttributeString("value", UseLegacyEncryption ? "true" : "false");
                w.WriteEndElement();
                w.WriteEndElement();
                w.WriteStartElement("system.web");
                w.WriteStartElement("machineKey");
                w.WriteAttributeString("validationKey", ValidationKey);
                w.WriteAttributeString("decryptionKey", DecryptionKey);
                w.WriteAttributeString("validation", Validation);
                w.WriteAttributeString("decryption", Decryption);
                w.WriteAttributeString("compatibilityMode", Mode);
                w.WriteEndElement();
                w.WriteStartElement("authentication");
                w.WriteAttributeString("mode", "Forms");
                w.WriteStartElement("forms");
                w.WriteAttributeString("protection", FormsProtection);
                w.WriteEndElement();
                w.WriteEndElement();
                w.WriteEndElement();
                w.WriteEndElement();
            }
            return text.ToString();
        }
    }

    /// <summary>
    /// What a node needs from a site's web.config: the machine key and the
    /// settings of its cookies. Sections in another file (configSource) are
    /// followed; everything else that .NET would inherit is not.
    /// </summary>
    sealed class SiteSettings
    {
        public MachineKeySettings MachineKey = new MachineKeySettings();

        public string FormsName = ".ASPXAUTH", FormsPath = "/", FormsDomain = "", FormsSameSite = "Lax";
        public TimeSpan FormsTimeout = TimeSpan.FromMinutes(30);
        public bool FormsSliding = true, FormsRequireSsl;

        public string SessionName = "FedAuth", SessionPath = "/", SessionDomain = "";
        public bool SessionRequireSsl = true, SessionHideFromScript = true;
        public TimeSpan SessionLifetime = TimeSpan.FromHours(10), SessionPersistentLifetime = TimeSpan.Zero;
        public TimeSpan ClockSkew = TimeSpan.FromMinutes(5);
        public int ChunkSize = 2000;

        public static SiteSettings Load(string path)
        {
            XmlDocument doc = Open(path);
            string folder = Path.GetDirectoryName(Path.GetFullPath(path));
            SiteSettings s = new SiteSettings();

            XmlElement key = Section(doc, folder, "system.web", "machineKey");
            if (key == null)
                throw new InvalidDataException("web.config: no machineKey");
            MachineKeySettings m = s.MachineKey;
            m.ValidationKey = Attribute(key, "validationKey", "AutoGenerate,IsolateApps");
            m.DecryptionKey = Attribute(key, "decryptionKey", "AutoGenerate,IsolateApps");
            m.Validation = Attribute(key, "validation", m.Validation);
            m.Decryption = Attribute(key, "decryption", m.Decryption);
            if (Attribute(key, "dataProtectorType", "").Length > 0)
                throw new InvalidDataException("web.config: dataProtectorType replaces the machine key");
            XmlElement runtime = Section(doc, folder, "system.web", "httpRuntime");
            if (runtime != null && Version.Parse(Attribute(runtime, "targetFramework", "4.0")) >= new Version(4, 5))
                m.Mode = "Framework45";
            m.Mode = Attribute(key, "compatibilityMode", m.Mode);

            XmlElement forms = Child(Section(doc, folder, "system.web", "authentication"), "forms");
            if (forms != null)
            {
                s.FormsName = Attribute(forms, "name", s.FormsName);
                s.FormsPath = Attribute(forms, "path", s.FormsPath);
                s.FormsDomain = Attribute(forms, "domain", s.FormsDomain);
                s.FormsSameSite = Attribute(forms, "cookieSameSite", s.FormsSameSite);
                s.FormsTimeout = TimeSpan.FromMinutes(int.Parse(Attribute(forms, "timeout", "30")));
                s.FormsSliding = bool.Parse(Attribute(forms, "slidingExpiration", "true"));
                s.FormsRequireSsl = bool.Parse(Attribute(forms, "requireSSL", "false"));
                m.FormsProtection = Attribute(forms, "protection", m.FormsProtection);
            }
            foreach (XmlElement add in Children(Section(doc, folder, null, "appSettings"), "add"))
                if (string.Equals(add.GetAttribute("key"), "aspnet:UseLegacyEncryption", StringComparison.OrdinalIgnoreCase))
                    bool.TryParse(add.GetAttribute("value"), out m.UseLegacyEncryption);

            XmlElement federation = Section(doc, folder, "system.identityModel.services", "federationConfiguration");
            XmlElement cookie = Child(federation, "cookieHandler");
            if (cookie != null)
            {
                s.SessionName = Attribute(cookie, "name", s.SessionName);
                s.SessionPath = Attribute(cookie, "path", s.SessionPath);
                s.SessionDomain = Attribute(cookie, "domain", s.SessionDomain);
                s.SessionRequireSsl = bool.Parse(Attribute(cookie, "requireSsl", "true"));
                s.SessionHideFromScript = bool.Parse(Attribute(cookie, "hideFromScript", "true"));
                s.SessionPersistentLifetime = TimeSpan.Parse(Attribute(cookie, "persistentSessionLifetime", "0:0:0"));
                XmlElement chunked = Child(cookie, "chunkedCookieHandler");
                if (chunked != null)
                    s.ChunkSize = int.Parse(Attribute(chunked, "chunkSize", "2000"));
            }
            foreach (XmlElement identity in Children(Section(doc, folder, null, "system.identityModel"), "identityConfiguration"))
            {
                if (identity.GetAttribute("name").Length > 0)
                    continue;
                s.ClockSkew = TimeSpan.Parse(Attribute(identity, "maximumClockSkew", "00:05:00"));
                foreach (XmlElement handler in Children(Child(identity, "securityTokenHandlers"), "add"))
                {
                    XmlElement requirement = Child(handler, "sessionTokenRequirement");
                    if (requirement != null)
                        s.SessionLifetime = TimeSpan.Parse(Attribute(requirement, "lifetime", "10:00:00"));
                }
            }
            return s;
        }

        static XmlDocument Open(string path)
        {
            XmlReaderSettings rules = new XmlReaderSettings();
            rules.DtdProcessing = DtdProcessing.Prohibit;
            XmlDocument doc = new XmlDocument();
            using (XmlReader r = XmlReader.Create(path, rules))
                doc.Load(r);
            return doc;
        }

        static XmlElement Section(XmlDocument doc, string folder, string group, string name)
        {
            XmlElement parent = group == null ? doc.DocumentElement : Child(doc.DocumentElement, group);
            XmlElement section = Child(parent, name);
            if (section == null || section.GetAttribute("configSource").Length == 0)
                return section;
            return Open(Path.Combine(folder, section.GetAttribute("configSource").Replace('\\', Path.DirectorySeparatorChar))).DocumentElement;
        }

        static XmlElement Child(XmlElement parent, string name)
        {
            foreach (XmlElement e in Children(parent, name))
                return e;
            return null;
        }

        static IEnumerable<XmlElement> Children(XmlElement parent, string name)
        {
            if (parent == null)
                yield break;
            foreach (XmlNode node in parent.ChildNodes)
            {
                XmlElement e = node as XmlElement;
                if (e != null && e.LocalName == name)
                    yield return e;
            }
        }

        static string Attribute(XmlElement e, string name, string byDefault)
        {
            return e.HasAttribute(name) ? e.GetAttribute(name).Trim() : byDefault;
        }
    }
}
