using System;
using System.IO;
using System.IO.Compression;
using System.Text;
using System.Xml;

namespace WebFarm
{
    /// <summary>
    /// What MachineKeySessionSecurityTokenHandler does: the text of a FedAuth
    /// cookie, from the inside
    ///
    ///     document     SessionDocument, binary XML
    ///     stream       ObjectStream, BinaryFormatter
    ///     deflate      at most 1 MiB when inflated
    ///     machine key  MachineKey.Protect
    ///     envelope     XML with the id, the context id and the protected bytes
    ///     text         base64
    /// </summary>
    static class SessionTokenGlue
    {
        const string Purpose = "System.IdentityModel.Services.MachineKeyTransform";
        const string Utility = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd";
        const string CookieNamespace = "http://schemas.microsoft.com/ws/2006/05/security";
        const int MaxInflated = 1 << 20;

        public static string Write(SessionToken t, MachineKeyGlue keys)
        {
            byte[] cookie = null;
            if (!t.IsReferenceMode)
                cookie = keys.Protect(Deflate(ObjectStream.Write(SessionDocument.Write(t))), Purpose);
            return Convert.ToBase64String(Envelope(t, cookie));
        }

        public static SessionToken Read(string text, MachineKeyGlue keys)
        {
            byte[] xml = Convert.FromBase64String(text);
            string id, contextId;
            byte[] cookie = OpenEnvelope(xml, out id, out contextId);
            if (cookie == null)
                throw new XmlException("session token: ID4243, no cookie and no cache");
            SessionToken t = SessionDocument.Read(ObjectStream.ReadToken(Inflate(keys.Unprotect(cookie, Purpose))));
            if (t.ContextId != contextId)
                throw new XmlException("session token: ID4229, the envelope names another context");
            if (t.Id != id)
                throw new XmlException("session token: ID4227, the envelope has another id");
            return t;
        }

        static byte[] Envelope(SessionToken t, byte[] cookie)
        {
            MemoryStream bytes = new MemoryStream();
            using (XmlWriter w = XmlWriter.Create(bytes))
            {
                w.WriteStartElement("SecurityContextToken", t.SecureConversationVersion);
                w.WriteAttributeString("Id", Utility, t.Id);
                w.WriteElementString("Identifier", t.SecureConversationVersion, t.ContextId);
                if (!string.IsNullOrEmpty(t.KeyGeneration))
                    w.WriteElementString("Instance", t.SecureConversationVersion, t.KeyGeneration);
                if (cookie != null)
                {
                    w.WriteStartElement("Cookie", CookieNamespace);
                    w.WriteBase64(cookie, 0, cookie.Length);
                    w.WriteEndElement();
                }
                w.WriteEndElement();
            }
            return bytes.ToArray();
        }

        static byte[] OpenEnvelope(byte[] xml, out string id, out string contextId)
        {
            XmlDictionaryReaderQuotas quotas = new XmlDictionaryReaderQuotas();
            XmlDictionaryReaderQuotas.Max.CopyTo(quotas);
            using (XmlDictionaryReader r = XmlDictionaryReader.CreateTextReader(xml, quotas))
            {
                r.MoveToContent();
                string version = r.NamespaceURI;
                if (r.LocalName != "SecurityContextToken" || version != SessionToken.Version13 && version != SessionToken.VersionFeb2005)
                    throw new XmlException("session token: not a security context token");
                id = r.GetAttribute("Id", Utility);
                r.ReadStartElement();
                if (!r.IsStartElement("Identifier", version))
                    throw new XmlException("session token: the envelope has no identifier");
                contextId = r.ReadElementContentAsUniqueId().ToString();
                if (r.IsStartElement("Instance", version))
                    r.ReadElementContentAsUniqueId();
                byte[] cookie = null;
                if (r.IsStartElement("Cookie", CookieNamespace))
                    cookie = r.ReadElementContentAsBase64();
                r.ReadEndElement();
                while (r.Read())
                    if (r.NodeType != XmlNodeType.Comment && r.NodeType != XmlNodeType.Whitespace)
                        throw new XmlException("session token: something after the envelope");
                return cookie;
            }
        }

        static byte[] Deflate(byte[] data)
        {
            MemoryStream packed = new MemoryStream();
            using (DeflateStream deflate = new DeflateStream(packed, CompressionMode.Compress, true))
                deflate.Write(data, 0, data.Length);
            return packed.ToArray();
        }

        static byte[] Inflate(byte[] packed)
        {
            using (DeflateStream inflate = new DeflateStream(new MemoryStream(packed), CompressionMode.Decompress))
                return Streams.ReadAll(inflate, MaxInflated);
        }
    }

    static class Streams
    {
        /// <summary>Reads to the end, and fails beyond max bytes.</summary>
        public static byte[] ReadAll(Stream s, int max)
        {
            MemoryStream all = new MemoryStream();
            byte[] buffer = new byte[16384];
            for (int n; (n = s.Read(buffer, 0, buffer.Length)) > 0; )
            {
                if (all.Length + n > max)
                    throw new InvalidDataException("too much compressed data");
                all.Write(buffer, 0, n);
            }
            return all.ToArray();
        }
    }
}
