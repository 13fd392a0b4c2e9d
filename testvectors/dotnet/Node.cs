using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Net;
using System.Security.Claims;
using System.Security.Cryptography;
using System.Text;
using System.Threading;

namespace WebFarm
{
    /// <summary>How a node is started; the rest is in the site's web.config.</summary>
    sealed class NodeOptions
    {
        public string Name = "dotnet", Config, AuthenticationType = "ApplicationCookie";
        public int Port;
        public TimeSpan OwinLifetime = TimeSpan.FromDays(14);
        public bool OwinSecure, UntilEof;
    }

    /// <summary>
    /// A node of a farm: signs users in, recognises them and signs them out, by
    /// the rules of .NET's three modules. README.md describes its addresses.
    /// </summary>
    sealed class Node
    {
        readonly NodeOptions options;
        readonly HttpListener listener = new HttpListener();
        readonly object reloading = new object();
        volatile Site site;
        long offset; // of this node's clock, in ticks

        /// <summary>The settings and keys of one state of the configuration file.</summary>
        sealed class Site
        {
            public SiteSettings Settings;
            public Credentials Credentials;
            public DateTime Written;
            public long Length;
        }

        public Node(NodeOptions options)
        {
            this.options = options;
            site = Load();
        }

        public void Run()
        {
            listener.Prefixes.Add("http://*:" + options.Port.ToString(CultureInfo.InvariantCulture) + "/");
            listener.IgnoreWriteExceptions = true;
            listener.Start();
            if (options.UntilEof)
                new Thread(ExitAtEof).Start();
            Console.Error.WriteLine(options.Name + ": listening on port " + options.Port);
            for (;;)
            {
                HttpListenerContext context = listener.GetContext();
                ThreadPool.QueueUserWorkItem(delegate { Serve(context); });
            }
        }

        /// <summary>Ends with the program that started this one, whatever ends that.</summary>
        static void ExitAtEof()
        {
            Stream input = Console.OpenStandardInput();
            while (input.Read(new byte[256], 0, 256) > 0)
            {
            }
            Environment.Exit(0);
        }

        DateTime Now
        {
            get { return DateTime.UtcNow + TimeSpan.FromTicks(Interlocked.Read(ref offset)); }
        }

        Site Load()
        {
            FileInfo file = new FileInfo(options.Config);
            Site s = new Site();
            s.Written = file.LastWriteTimeUtc;
            s.Length = file.Length;
            s.Settings = SiteSettings.Load(options.Config);
            s.Credentials = Credentials.Open(s.Settings.MachineKey);
            return s;
        }

        /// <summary>
        /// Reads the file again if it has changed, as IIS recycles a site. A file
        /// that cannot be read, half written perhaps, leaves the site as it was.
        /// </summary>
        Site Current()
        {
            Site s = site;
            FileInfo file = new FileInfo(options.Config);
            if (!file.Exists || file.LastWriteTimeUtc == s.Written && file.Length == s.Length)
                return s;
            lock (reloading)
            {
                if (site != s)
                    return site;
                try
                {
                    site = Load();
                    Console.Error.WriteLine(options.Name + ": read " + Path.GetFileName(options.Config) + " again");
                }
                catch (Exception e)
                {
                    Console.Error.WriteLine(options.Name + ": keeping the old settings: " + e.Message);
                }
                return site;
            }
        }

        void Serve(HttpListenerContext context)
        {
            try
            {
                if (!IPAddress.IsLoopback(context.Request.RemoteEndPoint.Address))
                    Reply(context, 403, "text/plain", "this node serves its own machine only\n");
                else
                    Exchange.Answer(this, context);
            }
            catch (Exception e)
            {
                Console.Error.WriteLine(options.Name + ": " + context.Request.Url.AbsolutePath + ": " + e);
                try
                {
                    Reply(context, 500, "text/plain", e.GetType().Name + "\n");
                }
                catch (Exception)
                {
                    context.Response.Abort();
                }
            }
        }

        void Reply(HttpListenerContext context, int status, string type, string body)
        {
            byte[] bytes = Encoding.UTF8.GetBytes(body);
            HttpListenerResponse r = context.Response;
            r.StatusCode = status;
            r.ContentType = type + "; charset=utf-8";
            r.ContentLength64 = bytes.Length;
            r.Headers["Cache-Control"] = "no-cache";
            r.Headers["Vary"] = "Cookie";
            r.Headers["X-Node"] = options.Name;
            if (context.Request.HttpMethod != "HEAD")
                r.OutputStream.Write(bytes, 0, bytes.Length);
            r.Close();
        }

        /// <summary>One request with what it needs.</summary>
        sealed class Exchange
        {
            readonly Node node;
            readonly HttpListenerContext context;
            readonly Site site;
            readonly SiteSettings settings;
            readonly List<CookiePair> cookies;
            readonly DateTime now;

            Exchange(Node node, HttpListenerContext context)
            {
                this.node = node;
                this.context = context;
                site = node.Current();
                settings = site.Settings;
                cookies = CookiePair.ParseHeader(context.Request.Headers["Cookie"]);
                now = node.Now;
            }

            public static void Answer(Node node, HttpListenerContext context)
            {
                Exchange e = new Exchange(node, context);
                switch (context.Request.Url.AbsolutePath)
                {
                    case "/healthz":
                        node.Reply(context, 200, "text/plain", "ok\n");
                        break;
                    case "/signin":
                        e.SignIn();
                        break;
                    case "/whoami":
                        e.WhoAmI();
                        break;
                    case "/signout":
                        e.SignOut();
                        break;
                    case "/clock":
                        Interlocked.Exchange(ref node.offset, TimeSpan.FromSeconds(e.Number("offset", 0)).Ticks);
                        node.Reply(context, 200, "text/plain", node.Now.ToString("o", CultureInfo.InvariantCulture) + "\n");
                        break;
                    default:
                        node.Reply(context, 404, "text/plain", "not here\n");
                        break;
                }
            }

            string Text(string name, string byDefault)
            {
                return context.Request.QueryString[name] ?? byDefault;
            }

            double Number(string name, double byDefault)
            {
                string text = Text(name, null);
                return text == null ? byDefault : double.Parse(text, CultureInfo.InvariantCulture);
            }

            void SignIn()
            {
                string kind = Text("kind", "fedauth"), name = Text("name", "");
                string[] roles = Text("roles", "").Split(new char[] { ',' }, StringSplitOptions.RemoveEmptyEntries);
                bool persistent = Text("persistent", "") == "1";
                ClaimsIdentity identity = new ClaimsIdentity(kind == "owin" ? node.options.AuthenticationType : "Federation");
                identity.AddClaim(new Claim(ClaimTypes.Name, name));
                foreach (string role in roles)
                    identity.AddClaim(new Claim(ClaimTypes.Role, role));
                for (int i = 1; i <= (int)Number("claims", 0); i++)
                    identity.AddClaim(new Claim("http://webfarm.example/claims/" + i, Filler(name, i)));

                switch (kind)
                {
                    case "fedauth":
                        SessionToken token = new SessionToken();
                        token.Id = "_" + Guid.NewGuid().ToString() + "-" + Guid.NewGuid().ToString("N").ToUpperInvariant();
                        token.ContextId = "urn:uuid:" + Guid.NewGuid().ToString();
                        token.EndpointId = settings.SessionPath;
                        token.Key = Guid.NewGuid().ToByteArray();
                        token.IsPersistent = persistent;
                        token.ValidFrom = token.KeyEffectiveTime = now;
                        token.ValidTo = token.KeyExpirationTime = now.AddSeconds(Number("lifetime", settings.SessionLifetime.TotalSeconds));
                        token.Principal = new ClaimsPrincipal(identity);
                        Send(token);
                        Reply(200, Describe(token));
                        break;
                    case "forms":
                        FormsTicket forms = new FormsTicket();
                        forms.Name = name;
                        forms.UserData = string.Join(",", roles);
                        forms.CookiePath = settings.FormsPath;
                        forms.IsPersistent = persistent;
                        forms.IssueDate = now;
                        forms.Expiration = now.AddSeconds(Number("lifetime", settings.FormsTimeout.TotalSeconds));
                        Send(forms);
                        Reply(200, Describe(forms, false));
                        break;
                    case "owin":
                        OwinTicket owin = new OwinTicket();
                        owin.Identity = identity;
                        if (persistent)
                            owin.Properties[".persistent"] = "";
                        owin.Issued = now;
                        owin.Expires = now.AddSeconds(Number("lifetime", node.options.OwinLifetime.TotalSeconds));
                        Send(owin);
                        Reply(200, Describe(owin, false));
                        break;
                    default:
                        node.Reply(context, 400, "text/plain", "kind is fedauth, forms or owin\n");
                        break;
                }
            }

            /// <summary>A value that no compressor makes much shorter, the same on every node.</summary>
            static string Filler(string name, int i)
            {
                using (SHA256 sha = SHA256.Create())
                    return Hex.Encode(sha.ComputeHash(Encoding.UTF8.GetBytes(name + "/" + i.ToString(CultureInfo.InvariantCulture)))).ToLowerInvariant();
            }

            void WhoAmI()
            {
                string only = Text("kind", null);
                Json who = null;
                if (only == null || only == "fedauth")
                    who = Session();
                if (who == null && (only == null || only == "forms"))
                    who = Forms();
                if (who == null && (only == null || only == "owin"))
                    who = Owin();
                if (who != null)
                    Reply(200, who);
                else
                    Reply(401, new Json().Open('{', null).Add("kind", "").Add("name", "").Add("node", node.options.Name));
            }

            // SessionAuthenticationModule: an endpoint that differs is refused; an
            // expired token, or one from the future, signs the user out; a cookie
            // that does not open is ignored here, where the real module leaves the
            // exception to the application.
            Json Session()
            {
                string text = WifChunks.Join(cookies, settings.SessionName);
                if (text == null)
                    return null;
                SessionToken t = Opened("fedauth", () => site.Credentials.ReadSession(text));
                if (t == null || t.Principal == null || !string.IsNullOrEmpty(t.EndpointId) && t.EndpointId != settings.SessionPath)
                    return null;
                if (t.ValidTo < now - settings.ClockSkew || t.ValidFrom > now + settings.ClockSkew)
                {
                    ExpireSession(0);
                    return null;
                }
                return Describe(t);
            }

            // FormsAuthenticationModule.
            Json Forms()
            {
                string text = CookiePair.Find(cookies, settings.FormsName, StringComparison.OrdinalIgnoreCase);
                if (text == null || text.Length < 2)
                    return null;
                FormsTicket t = Opened("forms", () => site.Credentials.ReadForms(text));
                if (t == null || t.Expiration < now)
                    return null;
                FormsTicket renewed = settings.FormsSliding ? t.Renew(now) : t;
                if (renewed != t)
                    Send(renewed);
                return Describe(renewed, renewed != t);
            }

            // CookieAuthenticationMiddleware.
            Json Owin()
            {
                string text = KatanaChunks.Join(cookies, OwinName);
                if (string.IsNullOrWhiteSpace(text))
                    return null;
                OwinTicket t = Opened("owin", () => site.Credentials.ReadOwin(text, "3", OwinGlue.CookiePurposes(node.options.AuthenticationType)));
                if (t == null || t.Expires != null && t.Expires.Value < new DateTime(now.Ticks - now.Ticks % TimeSpan.TicksPerSecond, DateTimeKind.Utc))
                    return null;
                OwinTicket renewed = t.Renew(now);
                if (renewed != t)
                    Send(renewed);
                return Describe(renewed, renewed != t);
            }

            void SignOut()
            {
                ExpireSession(0);
                if (CookiePair.Find(cookies, settings.FormsName, StringComparison.OrdinalIgnoreCase) != null)
                    Add(settings.FormsName + "=; expires=Tue, 12-Oct-1999 00:00:00 GMT; path=" + settings.FormsPath + FormsSuffix());
                string value = CookiePair.Find(cookies, OwinName, StringComparison.Ordinal);
                if (value != null)
                {
                    const string Expired = "=; path=/; expires=Thu, 01-Jan-1970 00:00:00 GMT; HttpOnly";
                    Add(OwinName + Expired);
                    for (int i = 1; i <= KatanaChunks.Count(value) && CookiePair.Find(cookies, KatanaChunks.ChunkName(OwinName, i), StringComparison.Ordinal) != null; i++)
                        Add(KatanaChunks.ChunkName(OwinName, i) + Expired);
                }
                Reply(200, new Json().Open('{', null).Add("kind", "").Add("name", "").Add("node", node.options.Name));
            }

            void Send(SessionToken t)
            {
                string suffix = settings.SessionDomain.Length > 0 ? "; domain=" + settings.SessionDomain : "";
                if (t.IsPersistent)
                    suffix += Expires(settings.SessionPersistentLifetime > TimeSpan.Zero ? now + settings.SessionPersistentLifetime : t.ValidTo);
                suffix += "; path=" + settings.SessionPath + (settings.SessionRequireSsl ? "; secure" : "") + (settings.SessionHideFromScript ? "; HttpOnly" : "");
                List<CookiePair> chunks = WifChunks.Split(settings.SessionName, site.Credentials.WriteSession(t), settings.ChunkSize);
                foreach (CookiePair c in chunks)
                    Add(c.Name + "=" + c.Value + suffix);
                ExpireSession(chunks.Count);
            }

            /// <summary>Deletes the chunks of the request from the given one on.</summary>
            void ExpireSession(int from)
            {
                int present = WifChunks.Count(cookies, settings.SessionName);
                for (int i = from; i < present; i++)
                    Add(WifChunks.Name(settings.SessionName, i) + "=" + (settings.SessionDomain.Length > 0 ? "; domain=" + settings.SessionDomain : "") +
                        Expires(now.AddDays(-1)) + "; path=" + settings.SessionPath);
            }

            void Send(FormsTicket t)
            {
                Add(settings.FormsName + "=" + site.Credentials.WriteForms(t) + (t.IsPersistent ? Expires(t.Expiration) : "") +
                    "; path=" + t.CookiePath + FormsSuffix());
            }

            string FormsSuffix()
            {
                return (settings.FormsDomain.Length > 0 ? "; domain=" + settings.FormsDomain : "") +
                    (settings.FormsRequireSsl ? "; secure" : "") + "; HttpOnly" +
                    (settings.FormsSameSite.Length > 0 ? "; SameSite=" + settings.FormsSameSite : "");
            }

            void Send(OwinTicket t)
            {
                string suffix = "; path=/" + (t.IsPersistent && t.Expires != null ? Expires(t.Expires.Value) : "") +
                    (node.options.OwinSecure ? "; secure" : "") + "; HttpOnly";
                string text = site.Credentials.WriteOwin(t, "3", OwinGlue.CookiePurposes(node.options.AuthenticationType));
                foreach (CookiePair c in KatanaChunks.Split(OwinName, text, suffix.Length, KatanaChunks.DefaultLimit))
                    Add(c.Name + "=" + c.Value + suffix);
            }

            string OwinName
            {
                get { return ".AspNet." + node.options.AuthenticationType; }
            }

            static string Expires(DateTime t)
            {
                return "; expires=" + t.ToString("ddd, dd-MMM-yyyy HH:mm:ss", CultureInfo.InvariantCulture) + " GMT";
            }

            void Add(string setCookie)
            {
                context.Response.Headers.Add("Set-Cookie", setCookie);
            }

            Json Describe(SessionToken t)
            {
                ClaimsIdentity identity = (ClaimsIdentity)t.Principal.Identity;
                List<string> roles = new List<string>();
                foreach (Claim c in t.Principal.FindAll(identity.RoleClaimType))
                    roles.Add(c.Value);
                return Describe("fedauth", identity.Name, roles, t.Principal.Claims, t.ValidFrom, t.ValidTo, t.IsPersistent, false);
            }

            Json Describe(FormsTicket t, bool renewed)
            {
                string[] roles = t.UserData.Split(new char[] { ',' }, StringSplitOptions.RemoveEmptyEntries);
                return Describe("forms", t.Name, roles, new Claim[0], t.IssueDate, t.Expiration, t.IsPersistent, renewed);
            }

            Json Describe(OwinTicket t, bool renewed)
            {
                List<string> roles = new List<string>();
                foreach (Claim c in t.Identity.FindAll(t.Identity.RoleClaimType))
                    roles.Add(c.Value);
                return Describe("owin", t.Identity.Name, roles, t.Identity.Claims, t.Issued, t.Expires, t.IsPersistent, renewed);
            }

            Json Describe(string kind, string name, IEnumerable<string> roles, IEnumerable<Claim> claims, DateTime? issued, DateTime? expires, bool persistent, bool renewed)
            {
                Json j = new Json().Open('{', null).Add("kind", kind).Add("name", name ?? "").Open('[', "roles");
                foreach (string role in roles)
                    j.Add(null, role);
                j.Close(']').Open('[', "claims");
                foreach (Claim c in claims)
                    j.Open('{', null).Add("type", c.Type).Add("value", c.Value).Close('}');
                j.Close(']').Add("issued", Time(issued)).Add("expires", Time(expires));
                return j.Add("persistent", persistent).Add("renewed", renewed).Add("node", node.options.Name);
            }

            static string Time(DateTime? t)
            {
                return t == null ? null : t.Value.ToString("o", CultureInfo.InvariantCulture);
            }

            void Reply(int status, Json answer)
            {
                node.Reply(context, status, "application/json", answer.Close('}').ToString() + "\n");
            }

            /// <summary>What read returns, or null for a credential that does not open.</summary>
            T Opened<T>(string kind, Func<T> read) where T : class
            {
                try
                {
                    return read();
                }
                catch (Exception e)
                {
                    Log(kind, e);
                    return null;
                }
            }

            void Log(string kind, Exception e)
            {
                Console.Error.WriteLine(node.options.Name + ": " + kind + " cookie refused: " + e.GetType().Name);
            }
        }
    }
}
