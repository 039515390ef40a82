using System.Security.Cryptography;

namespace Modular.Host;

/// <summary>
/// Development needs no configuration: a secret is made once and kept beside the data. Elsewhere a missing
/// <c>Auth:Secret</c> stops the start.
/// </summary>
internal static class DevelopmentSecret
{
    private static readonly string[] Keys = ["Auth:Secret", "BETTER_AUTH_SECRETS", "BETTER_AUTH_SECRET", "AUTH_SECRET"];

    public static void Ensure(IHostApplicationBuilder builder)
    {
        if (!builder.Environment.IsDevelopment() || Keys.Any(key => !string.IsNullOrEmpty(builder.Configuration[key])))
            return;
        var folder = Path.GetFullPath(
            builder.Configuration["Modular:DataDirectory"] ?? ".modular", builder.Environment.ContentRootPath);
        Directory.CreateDirectory(folder);
        builder.Configuration["Auth:Secret"] = ReadOrMake(Path.Combine(folder, "secret"));
    }

    private static string ReadOrMake(string file)
    {
        try
        {
            // Two Hosts that start together agree on the one that came first.
            var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
            if (!OperatingSystem.IsWindows())
                options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            using var stream = new FileStream(file, options);
            var secret = Convert.ToBase64String(RandomNumberGenerator.GetBytes(48));
            stream.Write(System.Text.Encoding.ASCII.GetBytes(secret));
            return secret;
        }
        catch (IOException) when (File.Exists(file))
        {
            return File.ReadAllText(file).Trim();
        }
    }
}
