using Modular.Host;

await using var app = await HostBuilding.Build(args);
await app.RunAsync();
