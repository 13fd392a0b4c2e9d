using System;
using System.Collections.Generic;
using System.IO;
using System.Security.Cryptography;
using System.Text;

namespace WebFarm
{
    /// <summary>
    /// What System.Web.Security.MachineKey does with the keys of a web.config, by
    /// means of the runtime's ciphers and hashes.
    ///
    ///     Framework45   IV || CBC(Kenc, IV, data) || HMAC(Kval, IV || ciphertext)
    ///                   Kenc and Kval are derived per purpose, SP 800-108, HMAC-SHA512
    ///     legacy        CBC(key, zero IV, prefix || data) || H(ciphertext)
    ///                   the keys as they are, prefix random, as long as the key
    /// </summary>
    sealed class MachineKeyGlue
    {
        readonly MachineKeySettings settings;
        readonly byte[] validationKey, decryptionKey;
        readonly Dictionary<string, byte[][]> derived = new Dictionary<string, byte[][]>();
        readonly RandomNumberGenerator random = RandomNumberGenerator.Create();

        public MachineKeyGlue(MachineKeySettings settings)
        {
            this.settings = settings;
            validationKey = Hex.Decode(settings.ValidationKey);
            decryptionKey = Hex.Decode(settings.DecryptionKey);
        }

        /// <summary>MachineKey.Protect: the same in every compatibility mode.</summary>
        public byte[] Protect(byte[] data, params string[] purposes)
        {
            return Protect45(data, UserPurpose, Checked(purposes));
        }

        /// <summary>MachineKey.Unprotect.</summary>
        public byte[] Unprotect(byte[] data, params string[] purposes)
        {
            return Unprotect45(data, UserPurpose, Checked(purposes));
        }

        const string UserPurpose = "User.MachineKey.Protect";

        static string[] Checked(string[] purposes)
        {
            foreach (string purpose in purposes)
                if (string.IsNullOrWhiteSpace(purpose))
                    throw new ArgumentException("machineKey: blank purpose");
            return purposes;
        }

        public byte[] Protect45(byte[] data, string primary, params string[] specific)
        {
            byte[][] keys = KeysFor(primary, specific);
            using (SymmetricAlgorithm cipher = NewCipher(false))
            using (KeyedHashAlgorithm mac = NewHmac(keys[1]))
            {
                cipher.Key = keys[0];
                cipher.GenerateIV();
                byte[] body = Concat(cipher.IV, Transform(cipher.CreateEncryptor(), data));
                return Concat(body, mac.ComputeHash(body));
            }
        }

        public byte[] Unprotect45(byte[] data, string primary, params string[] specific)
        {
            byte[][] keys = KeysFor(primary, specific);
            using (SymmetricAlgorithm cipher = NewCipher(false))
            using (KeyedHashAlgorithm mac = NewHmac(keys[1]))
            {
                int block = cipher.BlockSize / 8, tag = mac.HashSize / 8;
                if (data.Length <= block + tag)
                    throw new CryptographicException();
                byte[] body = Slice(data, 0, data.Length - tag);
                if (!Same(mac.ComputeHash(body), Slice(data, body.Length, tag)))
                    throw new CryptographicException();
                cipher.Key = keys[0];
                cipher.IV = Slice(body, 0, block);
                return Transform(cipher.CreateDecryptor(), Slice(body, block, body.Length - block));
            }
        }

        /// <summary>Encrypts the way of the old modes, signed unless the site says otherwise.</summary>
        public byte[] EncryptLegacy(byte[] data, bool signed)
        {
            using (SymmetricAlgorithm cipher = NewCipher(true))
            {
                cipher.Key = LegacyCipherKey(cipher);
                cipher.IV = new byte[cipher.BlockSize / 8];
                byte[] prefix = new byte[HasPrefix(signed) ? cipher.Key.Length : 0];
                random.GetBytes(prefix);
                byte[] body = Transform(cipher.CreateEncryptor(), Concat(prefix, data));
                return signed ? Concat(body, HashLegacy(body)) : body;
            }
        }

        public byte[] DecryptLegacy(byte[] data, bool signed)
        {
            using (SymmetricAlgorithm cipher = NewCipher(true))
            {
                if (signed)
                    data = StripHashLegacy(data);
                if (data == null)
                    throw new CryptographicException();
                cipher.Key = LegacyCipherKey(cipher);
                cipher.IV = new byte[cipher.BlockSize / 8];
                byte[] plain = Transform(cipher.CreateDecryptor(), data);
                int prefix = HasPrefix(signed) ? cipher.Key.Length : 0;
                if (plain.Length < prefix)
                    throw new CryptographicException();
                return Slice(plain, prefix, plain.Length - prefix);
            }
        }

        /// <summary>The keyed digest of the old modes.</summary>
        public byte[] HashLegacy(byte[] data)
        {
            if (settings.Validation == "MD5")
                using (MD5 md5 = MD5.Create())
                    return md5.ComputeHash(Concat(data, validationKey));
            using (KeyedHashAlgorithm mac = NewHmac(validationKey))
                return mac.ComputeHash(data);
        }

        /// <summary>Takes the digest off the end, or returns null if it is wrong.</summary>
        public byte[] StripHashLegacy(byte[] data)
        {
            int tag = HashLegacy(new byte[0]).Length;
            if (data.Length <= tag)
                return null;
            byte[] body = Slice(data, 0, data.Length - tag);
            return Same(HashLegacy(body), Slice(data, body.Length, tag)) ? body : null;
        }

        bool HasPrefix(bool signed)
        {
            return signed || settings.Mode != "Framework20SP1";
        }

        byte[] LegacyCipherKey(SymmetricAlgorithm cipher)
        {
            return cipher is DES ? Slice(decryptionKey, 0, 8) : decryptionKey;
        }

        SymmetricAlgorithm NewCipher(bool legacy)
        {
            switch (settings.Decryption)
            {
                case "Auto":
                    return legacy && decryptionKey.Length == 8 ? (SymmetricAlgorithm)DES.Create() : Aes.Create();
                case "AES":
                    return Aes.Create();
                case "3DES":
                    return TripleDES.Create();
                case "DES":
                    return DES.Create();
            }
            throw new InvalidDataException("machineKey: decryption=" + settings.Decryption);
        }

        KeyedHashAlgorithm NewHmac(byte[] key)
        {
            switch (settings.Validation)
            {
                case "SHA1":
                    return new HMACSHA1(key);
                case "3DES":
                case "AES":
                    // Names of the old modes only, where cookies are signed with SHA1.
                    if (settings.IsLegacy && ReferenceEquals(key, validationKey))
                        return new HMACSHA1(key);
                    break;
                case "HMACSHA256":
                    return new HMACSHA256(key);
                case "HMACSHA384":
                    return new HMACSHA384(key);
                case "HMACSHA512":
                    return new HMACSHA512(key);
            }
            throw new InvalidDataException("machineKey: validation=" + settings.Validation);
        }

        /// <summary>The keys of a purpose: for the cipher, for the hash.</summary>
        byte[][] KeysFor(string primary, string[] specific)
        {
            string name = primary;
            foreach (string s in specific)
                name += "\n" + s.Length + ":" + s;
            lock (derived)
            {
                byte[][] keys;
                if (!derived.TryGetValue(name, out keys))
                {
                    keys = new byte[][] { Derive(decryptionKey, primary, specific), Derive(validationKey, primary, specific) };
                    derived.Add(name, keys);
                }
                return keys;
            }
        }

        /// <summary>SP 800-108 in counter mode; the result is as long as the master key.</summary>
        static byte[] Derive(byte[] master, string primary, string[] specific)
        {
            MemoryStream input = new MemoryStream();
            BinaryWriter w = new BinaryWriter(input, new UTF8Encoding(false, true));
            w.Write(new byte[4]); // the counter
            w.Write(Encoding.UTF8.GetBytes(primary));
            w.Write((byte)0);
            foreach (string s in specific)
                w.Write(s);
            w.Write(BigEndian(8 * master.Length));
            w.Flush();
            byte[] block = input.ToArray(), key = new byte[master.Length];
            using (HMACSHA512 prf = new HMACSHA512(master))
            {
                for (int i = 1, have = 0; have < key.Length; i++)
                {
                    BigEndian(i).CopyTo(block, 0);
                    byte[] part = prf.ComputeHash(block);
                    int n = Math.Min(part.Length, key.Length - have);
                    Buffer.BlockCopy(part, 0, key, have, n);
                    have += n;
                }
            }
            return key;
        }

        static byte[] BigEndian(int n)
        {
            return new byte[] { (byte)(n >> 24), (byte)(n >> 16), (byte)(n >> 8), (byte)n };
        }

        static byte[] Transform(ICryptoTransform transform, byte[] data)
        {
            using (transform)
                return transform.TransformFinalBlock(data, 0, data.Length);
        }

        static bool Same(byte[] a, byte[] b)
        {
            int difference = a.Length ^ b.Length;
            for (int i = 0; i < a.Length && i < b.Length; i++)
                difference |= a[i] ^ b[i];
            return difference == 0;
        }

        static byte[] Slice(byte[] data, int from, int count)
        {
            byte[] part = new byte[count];
            Buffer.BlockCopy(data, from, part, 0, count);
            return part;
        }

        static byte[] Concat(byte[] a, byte[] b)
        {
            byte[] both = new byte[a.Length + b.Length];
            Buffer.BlockCopy(a, 0, both, 0, a.Length);
            Buffer.BlockCopy(b, 0, both, a.Length, b.Length);
            return both;
        }
    }
}
