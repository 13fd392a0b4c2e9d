using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Text;

namespace WebFarm
{
    /// <summary>
    /// Answers requests on standard input, one line each (see Fields), in order.
    ///
    ///     key    name=K validationKey=.. decryptionKey=.. ...        ok
    ///     write  kind=fedauth|forms|owin key=K, then the token       ok text=..
    ///     read   kind=fedauth|forms|owin key=K text=..               ok, then the token
    ///     bytes  kind=fedauth|owin, then the token                   ok hex=..  (before compression and protection)
    ///     renew  kind=forms|owin now=.., then the ticket             ok, then the ticket that follows it
    ///     split  scheme=wif|katana name=.. value=.. size=..          ok cookie=.. value=.. cookie=.. ...
    ///     join   scheme=wif|katana name=.. cookie=.. value=.. ...    ok value=..
    ///     flush                                                      nothing; sends the answers so far
    ///
    /// The size is that of WIF's chunks, or the length of the attributes behind
    /// Katana's, which may have a limit=.. too. Requests of kind owin have
    /// format=.. and any number of purpose=.. behind the key; reading one also
    /// tells its times and whether it persists. What cannot be done is answered
    /// with "refused type=.. message=..".
    /// </summary>
    sealed class Pipe
    {
        readonly Dictionary<string, Credentials> keys = new Dictionary<string, Credentials>();

        public void Run(Stream input, Stream output)
        {
            UTF8Encoding utf8 = new UTF8Encoding(false);
            StreamReader reader = new StreamReader(input, utf8, false, 1 << 16);
            StreamWriter writer = new StreamWriter(output, utf8, 1 << 16);
            for (string line; (line = reader.ReadLine()) != null; )
            {
                if (line == "flush")
                {
                    writer.Flush();
                    continue;
                }
                Answer(line).WriteTo(writer);
            }
            writer.Flush();
        }

        Fields Answer(string line)
        {
            try
            {
                Fields request = Fields.Parse(line);
                Fields answer = new Fields("ok");
                switch (request.Verb)
                {
                    case "key":
                        string name = request.Take("name");
                        MachineKeySettings settings = MachineKeySettings.From(request);
                        request.End();
                        keys[name] = Credentials.Open(settings);
                        break;
                    case "write": Write(request, answer); break;
                    case "read": Read(request, answer); break;
                    case "bytes": Bytes(request, answer); break;
                    case "renew": Renew(request, answer); break;
                    case "split": Split(request, answer); break;
                    case "join": Join(request, answer); break;
                    default: throw new FormatException("pipe: unknown verb " + request.Verb);
                }
                return answer;
            }
            catch (Exception e)
            {
                return new Fields("refused").Add("type", e.GetType().Name).Add("message", e.Message);
            }
        }

        void Write(Fields request, Fields answer)
        {
            string kind = request.Take("kind"), text;
            Credentials c = keys[request.Take("key")];
            if (kind == "fedauth")
                text = c.WriteSession(SessionToken.From(request));
            else if (kind == "forms")
                text = c.WriteForms(FormsTicket.From(request));
            else
            {
                string format = request.Take("format");
                string[] purposes = Purposes(request);
                text = c.WriteOwin(OwinTicket.From(request), format, purposes);
            }
            request.End();
            answer.Add("text", text);
        }

        void Read(Fields request, Fields answer)
        {
            string kind = request.Take("kind");
            Credentials c = keys[request.Take("key")];
            if (kind == "fedauth")
                c.ReadSession(request.Take("text")).AddTo(answer);
            else if (kind == "forms")
                c.ReadForms(request.Take("text")).AddTo(answer);
            else
            {
                string format = request.Take("format");
                string[] purposes = Purposes(request);
                OwinTicket t = c.ReadOwin(request.Take("text"), format, purposes);
                t.AddTo(answer);
                answer.Add("issued", Ticks(t.Issued)).Add("expires", Ticks(t.Expires)).Add("persistent", t.IsPersistent);
            }
            request.End();
        }

        static void Bytes(Fields request, Fields answer)
        {
            byte[] bytes = request.Take("kind") == "fedauth"
                ? SessionDocument.Write(SessionToken.From(request))
                : OwinGlue.Serialize(OwinTicket.From(request), "3");
            request.End();
            answer.Add("hex", Hex.Encode(bytes));
        }

        static void Renew(Fields request, Fields answer)
        {
            string kind = request.Take("kind");
            DateTime now = new DateTime(request.TakeLong("now"), DateTimeKind.Utc);
            if (kind == "forms")
                FormsTicket.From(request).Renew(now).AddTo(answer);
            else
                OwinTicket.From(request).Renew(now).AddTo(answer);
            request.End();
        }

        static void Split(Fields request, Fields answer)
        {
            string scheme = request.Take("scheme"), name = request.Take("name"), value = request.Take("value");
            int size = (int)request.TakeLong("size");
            int limit = request.At("limit") ? (int)request.TakeLong("limit") : KatanaChunks.DefaultLimit;
            request.End();
            foreach (CookiePair c in scheme == "wif" ? WifChunks.Split(name, value, size) : KatanaChunks.Split(name, value, size, limit))
                answer.Add("cookie", c.Name).Add("value", c.Value);
        }

        static void Join(Fields request, Fields answer)
        {
            string scheme = request.Take("scheme"), name = request.Take("name");
            List<CookiePair> cookies = new List<CookiePair>();
            while (request.At("cookie"))
                cookies.Add(new CookiePair(request.Take("cookie"), request.Take("value")));
            request.End();
            string value = scheme == "wif" ? WifChunks.Join(cookies, name) : KatanaChunks.Join(cookies, name);
            if (value == null)
                throw new InvalidDataException("cookie: not there, or not whole");
            answer.Add("value", value);
        }

        static string Ticks(DateTime? time)
        {
            return time == null ? "" : time.Value.Ticks.ToString(CultureInfo.InvariantCulture);
        }

        static string[] Purposes(Fields request)
        {
            List<string> purposes = new List<string>();
            for (string p; (p = request.TakeIf("purpose")) != null; )
                purposes.Add(p);
            return purposes.ToArray();
        }
    }
}
