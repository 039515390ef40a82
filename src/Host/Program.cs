using Modular.Host.CommandLine;

return await Verbs.Run(args, Terminal.Own);
