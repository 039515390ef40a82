using System.Globalization;
using Npgsql;

namespace Modular.Host.Database;

/// <summary>
/// <c>postgres://user:password@host:port/database?parameters</c>, as libpq defines it and as Neon, Vercel, Supabase and
/// Prisma print it, in Npgsql's words. No message quotes any of it, because part of it is a password.
/// </summary>
internal static class PostgresUri
{
    private static readonly string[] Schemes = ["postgres://", "postgresql://"];

    public static bool IsOne(string value) => SchemeOf(value) is not null;

    /// <summary>The <paramref name="key"/> is what the value was configured as, for messages.</summary>
    public static string ToConnectionString(string key, string value)
    {
        value = value.Trim();
        var scheme = SchemeOf(value) ?? throw Wrong(key, "must begin with postgres:// or postgresql://");
        var rest = value[scheme.Length..];
        if (rest.Contains('#'))
            throw Wrong(key, "has a # in it, which must be written %23");
        var (location, query) = Cut(rest, rest.IndexOf('?'));
        var (authority, database) = Cut(location, location.IndexOf('/'));
        if (database.Contains('@') || database.Contains('/'))
            throw Wrong(key, "has a / in its user or password, which must be written %2F");
        var (hosts, credentials) = Cut(authority, authority.LastIndexOf('@'), swap: true);
        var (user, password) = Cut(credentials, credentials.IndexOf(':'));

        var address = new NpgsqlConnectionStringBuilder();
        foreach (var (name, setting) in Parameters(key, query))
            Apply(address, key, name, setting);
        SetHosts(address, key, hosts);
        if (user.Length > 0)
            address.Username = Decode(key, user);
        if (password.Length > 0)
            address.Password = Decode(key, password);
        if (database.Length > 0)
            address.Database = Decode(key, database);
        if (string.IsNullOrEmpty(address.Host))
            throw Wrong(key, "names no host");
        if (string.IsNullOrEmpty(address.Username))
            throw Wrong(key, "names no user");
        return address.ConnectionString;
    }

    private static string? SchemeOf(string value) =>
        Schemes.FirstOrDefault(scheme => value.TrimStart().StartsWith(scheme, StringComparison.OrdinalIgnoreCase));

    /// <summary>What is before and after a character; with <paramref name="swap"/> the part before it is the optional one.</summary>
    private static (string First, string Second) Cut(string text, int at, bool swap = false) =>
        at < 0 ? (text, "") : swap ? (text[(at + 1)..], text[..at]) : (text[..at], text[(at + 1)..]);

    private static IEnumerable<(string Name, string Value)> Parameters(string key, string query)
    {
        foreach (var parameter in query.Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var (name, value) = Cut(parameter, parameter.IndexOf('='));
            yield return (Decode(key, name), Decode(key, value));
        }
    }

    /// <summary>
    /// A parameter that decides about security, or where the connection goes, is taken or refused. The others
    /// (Prisma's <c>pgbouncer</c>, <c>schema</c>, <c>pool_timeout</c>; libpq's keep-alives) concern other clients.
    /// </summary>
    private static void Apply(NpgsqlConnectionStringBuilder address, string key, string name, string value)
    {
        switch (name)
        {
            case "host": address.Host = value; break;
            case "port": address.Port = Number(key, name, value, 1, 65535); break;
            case "user": address.Username = value; break;
            case "password": address.Password = value; break;
            case "dbname": address.Database = value; break;
            case "sslmode": address.SslMode = Mode(key, value); break;
            case "ssl" when value is "true" or "1": address.SslMode = SslMode.Require; break;
            case "sslrootcert" when value is "system": address.SslMode = SslMode.VerifyFull; break;
            case "sslrootcert": address.RootCertificate = value; break;
            case "sslcert": address.SslCertificate = value; break;
            case "sslkey": address.SslKey = value; break;
            case "sslpassword": address.SslPassword = value; break;
            case "channel_binding": address.ChannelBinding = Binding(key, value); break;
            case "target_session_attrs": address.TargetSessionAttributes = value; break;
            case "options": address.Options = value; break;
            case "application_name" or "fallback_application_name": address.ApplicationName = value; break;
            case "connect_timeout": address.Timeout = Number(key, name, value, 0, 1024); break;
            case "connection_limit": address.MaxPoolSize = Number(key, name, value, 1, int.MaxValue); break;
        }
    }

    private static void SetHosts(NpgsqlConnectionStringBuilder address, string key, string hosts)
    {
        if (hosts.Length == 0)
            return;
        // Npgsql takes several hosts, each with its port, as libpq writes them.
        if (hosts.Contains(','))
        {
            address.Host = Decode(key, hosts);
            return;
        }

        // [::1]:5432
        var end = hosts.StartsWith('[') ? hosts.IndexOf(']') : -1;
        if (hosts.StartsWith('[') && end < 0)
            throw Wrong(key, "has an IPv6 address whose bracket is not closed");
        var (host, port) = end < 0 ? Cut(hosts, hosts.IndexOf(':')) : (hosts[1..end], hosts[(end + 1)..].TrimStart(':'));
        if (host.Length > 0)
            address.Host = Decode(key, host);
        if (port.Length > 0)
            address.Port = Number(key, "port", port, 1, 65535);
    }

    private static SslMode Mode(string key, string value) => value switch
    {
        "disable" => SslMode.Disable,
        "allow" => SslMode.Allow,
        "prefer" => SslMode.Prefer,
        "require" or "no-verify" => SslMode.Require,
        "verify-ca" => SslMode.VerifyCA,
        "verify-full" => SslMode.VerifyFull,
        _ => throw Wrong(key, "has an sslmode that is none of disable, allow, prefer, require, verify-ca and verify-full"),
    };

    private static ChannelBinding Binding(string key, string value) => value switch
    {
        "disable" => ChannelBinding.Disable,
        "prefer" => ChannelBinding.Prefer,
        "require" => ChannelBinding.Require,
        _ => throw Wrong(key, "has a channel_binding that is none of disable, prefer and require"),
    };

    private static int Number(string key, string name, string value, int least, int most) =>
        int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most
            ? number
            : throw Wrong(key, $"has a {name} that is not a number from {least} to {most}");

    private static string Decode(string key, string text)
    {
        for (var at = text.IndexOf('%'); at >= 0; at = text.IndexOf('%', at + 1))
        {
            if (at + 2 >= text.Length || !char.IsAsciiHexDigit(text[at + 1]) || !char.IsAsciiHexDigit(text[at + 2]))
                throw Wrong(key, "has a % that is not followed by two hexadecimal digits; a % itself is written %25");
        }

        return Uri.UnescapeDataString(text);
    }

    private static DatabaseSetupException Wrong(string key, string what) => new($"{key} {what}.");
}
