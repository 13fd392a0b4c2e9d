using System;
using System.Globalization;

namespace WebFarm
{
    /// <summary>
    /// A peer for the Go library: what .NET does with the cookies of a farm, on
    /// .NET's own formatters, XML writers, ciphers and hashes.
    /// </summary>
    static class Program
    {
        static int Main(string[] args)
        {
            if (args.Length == 1 && args[0] == "pipe")
            {
                new Pipe().Run(Console.OpenStandardInput(), Console.OpenStandardOutput());
                return 0;
            }
            if (args.Length == 3 && args[0] == "record")
            {
                Recorder.Record(args[1], args[2]);
                return 0;
            }
            if (args.Length > 0 && args[0] == "serve")
            {
                NodeOptions o = new NodeOptions();
                for (int i = 1; i < args.Length; i++)
                {
                    string name = args[i], value = i + 1 < args.Length ? args[i + 1] : null;
                    switch (name)
                    {
                        case "-config": o.Config = value; i++; break;
                        case "-port": o.Port = int.Parse(value, CultureInfo.InvariantCulture); i++; break;
                        case "-name": o.Name = value; i++; break;
                        case "-owin-type": o.AuthenticationType = value; i++; break;
                        case "-owin-lifetime": o.OwinLifetime = TimeSpan.Parse(value, CultureInfo.InvariantCulture); i++; break;
                        case "-owin-secure": o.OwinSecure = true; break;
                        case "-until-eof": o.UntilEof = true; break;
                        default: return Usage();
                    }
                }
                if (o.Config == null || o.Port == 0)
                    return Usage();
                new Node(o).Run();
            }
            return Usage();
        }

        static int Usage()
        {
            Console.Error.WriteLine("usage: peer pipe");
            Console.Error.WriteLine("       peer serve -config web.config -port N [-name NODE] [-owin-type TYPE] [-owin-lifetime D.HH:MM:SS] [-owin-secure] [-until-eof]");
            Console.Error.WriteLine("       peer record web.config FOLDER");
            return 2;
        }
    }
}
