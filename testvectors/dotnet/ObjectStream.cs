using System;
using System.IO;
using System.Runtime.Serialization;
using System.Runtime.Serialization.Formatters.Binary;
using System.Text;

namespace WebFarm
{
    /// <summary>
    /// The two object streams in a session cookie, written and read by the
    /// runtime's BinaryFormatter. The classes here stand in for those of
    /// System.IdentityModel and serialize the same members; the binder puts the
    /// genuine names into the stream and takes no others out of it.
    /// </summary>
    static class ObjectStream
    {
        const string Assembly = "System.IdentityModel, Version=4.0.0.0, Culture=neutral, PublicKeyToken=b77a5c561934e089";

        /// <summary>The stream of a SessionSecurityToken around its document.</summary>
        public static byte[] Write(byte[] document)
        {
            return Serialize(new TokenRecord(document));
        }

        public static byte[] ReadToken(byte[] stream)
        {
            TokenRecord token = Deserialize(stream) as TokenRecord;
            if (token == null)
                throw new SerializationException("session token: ID4243, no session token in the cookie");
            return token.Document;
        }

        /// <summary>The stream of a BootstrapContext.</summary>
        public static byte[] Write(Bootstrap bootstrap)
        {
            return Serialize(new BootstrapRecord(bootstrap));
        }

        public static Bootstrap ReadBootstrap(byte[] stream)
        {
            BootstrapRecord record = Deserialize(stream) as BootstrapRecord;
            if (record == null)
                throw new SerializationException("session token: no bootstrap context");
            return record.Bootstrap;
        }

        static byte[] Serialize(object record)
        {
            MemoryStream bytes = new MemoryStream();
            NewFormatter().Serialize(bytes, record);
            return bytes.ToArray();
        }

        static object Deserialize(byte[] stream)
        {
            return NewFormatter().Deserialize(new MemoryStream(stream));
        }

        static BinaryFormatter NewFormatter()
        {
            BinaryFormatter formatter = new BinaryFormatter();
            formatter.Binder = new GenuineNames();
            return formatter;
        }

        sealed class GenuineNames : SerializationBinder
        {
            const string Token = "System.IdentityModel.Tokens.SessionSecurityToken";
            const string Context = "System.IdentityModel.Tokens.BootstrapContext";

            public override void BindToName(Type type, out string assembly, out string name)
            {
                assembly = Assembly;
                name = type == typeof(TokenRecord) ? Token : Context;
            }

            public override Type BindToType(string assembly, string name)
            {
                if (assembly == Assembly && name == Token)
                    return typeof(TokenRecord);
                if (assembly == Assembly && name == Context)
                    return typeof(BootstrapRecord);
                throw new SerializationException("session token: the stream names another class");
            }
        }

        [Serializable]
        sealed class TokenRecord : ISerializable
        {
            public readonly byte[] Document;

            public TokenRecord(byte[] document)
            {
                Document = document;
            }

            TokenRecord(SerializationInfo info, StreamingContext context)
            {
                Document = (byte[])info.GetValue("SessionToken", typeof(byte[]));
            }

            public void GetObjectData(SerializationInfo info, StreamingContext context)
            {
                info.AddValue("SessionToken", Document);
            }
        }

        [Serializable]
        sealed class BootstrapRecord : ISerializable
        {
            public readonly Bootstrap Bootstrap;

            public BootstrapRecord(Bootstrap bootstrap)
            {
                Bootstrap = bootstrap;
            }

            BootstrapRecord(SerializationInfo info, StreamingContext context)
            {
                char kind = info.GetChar("K");
                switch (kind)
                {
                    case 'S':
                        Bootstrap = new Bootstrap(kind, info.GetString("T"), null);
                        break;
                    case 'B':
                        Bootstrap = new Bootstrap(kind, null, (byte[])info.GetValue("T", typeof(byte[])));
                        break;
                    case 'T':
                        Bootstrap = new Bootstrap(kind, Encoding.UTF8.GetString(Convert.FromBase64String(info.GetString("T"))), null);
                        break;
                    default:
                        throw new SerializationException("session token: unknown kind of bootstrap context");
                }
            }

            public void GetObjectData(SerializationInfo info, StreamingContext context)
            {
                info.AddValue("K", Bootstrap.Kind);
                if (Bootstrap.Kind == 'B')
                    info.AddValue("T", Bootstrap.Bytes);
                else if (Bootstrap.Kind == 'T')
                    info.AddValue("T", Convert.ToBase64String(Encoding.UTF8.GetBytes(Bootstrap.Text)));
                else
                    info.AddValue("T", Bootstrap.Text);
            }
        }
    }
}
