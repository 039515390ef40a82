using Microsoft.Extensions.Configuration;
using Modular.Host.Database;

namespace Modular.Host.Tests;

public sealed class DatabaseAddressTests
{
    private const string Ours = "No Reset On Close=True;Include Failed Batched Command=True";

    public static TheoryData<string, string> Addresses => new()
    {
        { "postgres://ada:secret@db.example/app", "Username=ada;Password=secret;Host=db.example;Database=app" },
        { "postgresql://ada@db.example", "Username=ada;Host=db.example" },
        { "postgresql://ada:p%40ss%2Fw%3Ard@db:6543/my%20app", "Username=ada;Password=p@ss/w:rd;Host=db;Port=6543;Database=my app" },
        { "postgres://ada:s:e@c@db/app", "Username=ada;Password=s:e@c;Host=db;Database=app" },
        { "postgres://ada:a%3Bb%3D%27c@db/app", "Username=ada;Password=\"a;b='c\";Host=db;Database=app" },
        { "postgres://ada:x@[2001:db8::1]:5433/app", "Username=ada;Password=x;Host=2001:db8::1;Port=5433;Database=app" },
        { "postgres://ada:x@[::1]/app", "Username=ada;Password=x;Host=::1;Database=app" },
        { "postgres://ada:x@a:5432,b:5433/app?target_session_attrs=read-write", "Target Session Attributes=read-write;Host=\"a:5432,b:5433\";Username=ada;Password=x;Database=app" },
        { "postgres:///app?host=/var/run/postgresql&user=ada", "Host=/var/run/postgresql;Username=ada;Database=app" },
        // Neon
        {
            "postgresql://neondb_owner:npg_x@ep-cool-1-pooler.eu-central-1.aws.neon.tech/neondb?sslmode=require&channel_binding=require",
            "SSL Mode=Require;Channel Binding=Require;Host=ep-cool-1-pooler.eu-central-1.aws.neon.tech;Username=neondb_owner;Password=npg_x;Database=neondb"
        },
        {
            "postgresql://neondb_owner:npg_x@ep-cool-a1b2-pooler.c-2.eu-central-1.aws.neon.tech/neondb?channel_binding=require&sslmode=require",
            "Channel Binding=Require;SSL Mode=Require;Host=ep-cool-a1b2-pooler.c-2.eu-central-1.aws.neon.tech;Username=neondb_owner;Password=npg_x;Database=neondb"
        },
        { "postgres://ada:x@ep.neon.tech/neondb?options=endpoint%3Dep-cool-1", "Options=\"endpoint=ep-cool-1\";Host=ep.neon.tech;Username=ada;Password=x;Database=neondb" },
        // Vercel with Prisma
        {
            "postgres://default:x@ep-pooler.neon.tech:5432/verceldb?pgbouncer=true&connect_timeout=15&sslmode=require&schema=public&pool_timeout=10&connection_limit=5",
            "Timeout=15;SSL Mode=Require;Maximum Pool Size=5;Host=ep-pooler.neon.tech;Port=5432;Username=default;Password=x;Database=verceldb"
        },
        // Supabase, the second as Vercel prints it
        {
            "postgres://postgres.abcd:x@aws-0-us-east-1.pooler.supabase.com:6543/postgres?sslmode=require&supa=base-pooler.x",
            "SSL Mode=Require;Host=aws-0-us-east-1.pooler.supabase.com;Port=6543;Username=postgres.abcd;Password=x;Database=postgres"
        },
        {
            "postgresql://postgres.abcd:x@aws-0-eu.pooler.supabase.com:6543/postgres?sslmode=verify-full&sslrootcert=/etc/ca.crt&application_name=app",
            "SSL Mode=VerifyFull;Root Certificate=/etc/ca.crt;Application Name=app;Host=aws-0-eu.pooler.supabase.com;Port=6543;Username=postgres.abcd;Password=x;Database=postgres"
        },
        { "Host=db;Username=ada;Password=x;Maximum Pool Size=7", "Host=db;Username=ada;Password=x;Maximum Pool Size=7" },
    };

    public static TheoryData<string, string> Mistakes => new()
    {
        { "mysql://ada:hunter2@db/app", "DATABASE_URL must begin with postgres:// or postgresql://." },
        { "postgres://ada:hunter2@db:port/app", "DATABASE_URL has a port that is not a number from 1 to 65535." },
        { "postgres://ada:hunter2@db:70000/app", "DATABASE_URL has a port that is not a number from 1 to 65535." },
        { "postgres://ada:hunter2@/app", "DATABASE_URL names no host." },
        { "postgres://db/app?password=hunter2", "DATABASE_URL names no user." },
        { "postgres://ada:hunter2%@db/app", "DATABASE_URL has a % that is not followed by two hexadecimal digits; a % itself is written %25." },
        { "postgres://ada:hunter2#@db/app", "DATABASE_URL has a # in it, which must be written %23." },
        { "postgres://ada:hunter2/x@db/app", "DATABASE_URL has a / in its user or password, which must be written %2F." },
        { "postgres://ada:hunter2@[::1/app", "DATABASE_URL has an IPv6 address whose bracket is not closed." },
        { "postgres://ada:hunter2@db/app?sslmode=full", "DATABASE_URL has an sslmode that is none of disable, allow, prefer, require, verify-ca and verify-full." },
        { "postgres://ada:hunter2@db/app?channel_binding=maybe", "DATABASE_URL has a channel_binding that is none of disable, prefer and require." },
        { "postgres://ada:hunter2@db/app?connection_limit=0", "DATABASE_URL has a connection_limit that is not a number from 1 to 2147483647." },
        { "Host=db;Password=a;hunter2=b", "DATABASE_URL is neither a postgres:// address nor of the form Host=…;Username=…;Password=…;Database=…." },
        { "Username=ada;Password=hunter2", "DATABASE_URL names no host." },
    };

    [Theory, MemberData(nameof(Addresses))]
    public void An_address_says_what_it_says_and_gets_our_settings(string value, string expected)
    {
        var address = Resolve(("DATABASE_URL", value))!;

        Assert.Equal(Parsed($"{Ours};Application Name=modular;Maximum Pool Size=32;{expected}"), Parsed(address.Pooled));
        Assert.Equal(address.Pooled, address.Direct);
        Assert.False(address.IsEmbedded || address.HasOwnDirect);
    }

    [Theory, MemberData(nameof(Mistakes))]
    public void A_mistake_is_one_sentence_without_the_password(string value, string expected)
    {
        var refused = Assert.Throws<DatabaseSetupException>(() => Resolve(("DATABASE_URL", value)));

        Assert.Equal(expected, refused.Message);
        Assert.DoesNotContain("hunter2", refused.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("DATABASE_URL", "DATABASE_URL_UNPOOLED")]
    [InlineData("POSTGRES_PRISMA_URL", "POSTGRES_URL_NON_POOLING")]
    [InlineData("DATABASE_URL", "POSTGRES_URL_NON_POOLING")]
    public void A_pair_leads_through_the_pooler_and_around_it(string pooled, string direct)
    {
        var address = Resolve((pooled, "postgres://ada@pooler/app"), (direct, "postgres://ada@db/app"))!;

        Assert.Equal("pooler", Parsed(address.Pooled)["Host"]);
        Assert.Equal("db", Parsed(address.Direct)["Host"]);
        Assert.True(address.HasOwnDirect);
    }

    [Fact]
    public void A_direct_address_alone_serves_for_both()
    {
        var address = Resolve(("DATABASE_URL_UNPOOLED", "postgres://ada@db/app"), ("ConnectionStrings:Modular", "Host=other;Username=ada"))!;

        Assert.Equal("db", Parsed(address.Pooled)["Host"]);
        Assert.Equal(address.Pooled, address.Direct);
        Assert.False(address.HasOwnDirect);
    }

    [Fact]
    public void Npgsqls_own_form_is_understood_under_its_own_key() =>
        Assert.Equal("db", Parsed(Resolve(("ConnectionStrings:Modular", "Host=db;Username=ada"))!.Pooled)["Host"]);

    [Theory]
    [InlineData("postgres://a@ep-cool-1-pooler.eu-central-1.aws.neon.tech/db", true)]
    [InlineData("postgres://a@ep-cool-1-pooler.c-2.eu-central-1.aws.neon.tech/db", true)]
    [InlineData("postgres://a@ep-cool-1.eu-central-1.aws.neon.tech/db", false)]
    [InlineData("postgres://a@aws-0-eu.pooler.supabase.com:6543/postgres", true)]
    [InlineData("postgres://a@aws-0-eu.pooler.supabase.com:5432/postgres", false)]
    [InlineData("postgres://a@db.abcd.supabase.co:6543/postgres", true)]
    [InlineData("postgres://a@db.abcd.supabase.co:5432/postgres", false)]
    [InlineData("postgres://a@db-pooler.example:6543/db", false)]
    public void The_addresses_that_are_given_to_transaction_poolers_are_known(string value, bool expected) =>
        Assert.Equal(expected, DatabaseAddress.IsNamedPooler(Resolve(("DATABASE_URL", value))!.Direct));

    [Theory]
    [InlineData("postgres://a@ep-cool-1.eu-central-1.aws.neon.tech/db", null, true)]
    [InlineData("postgres://a@ep-cool-1.eu-central-1.aws.neon.tech/db", "false", false)]
    [InlineData("postgres://a@db.example/db", null, false)]
    [InlineData("postgres://a@db.example/db", "true", true)]
    public void What_goes_to_sleep_is_known_by_its_address_or_said(string value, string? setting, bool expected) =>
        Assert.Equal(expected, Resolve(("DATABASE_URL", value), ("Modular:LetDatabaseSleep", setting!))!.MaySleep);

    [Fact]
    public void Nothing_configured_means_the_embedded_server() => Assert.Null(Resolve(("DATABASE_URL", " ")));

    [Fact]
    public void The_pool_of_the_embedded_server_follows_the_cores_unless_configured()
    {
        const string Server = "Host=127.0.0.1;Port=1;Username=modular";

        var address = DatabaseAddress.OfEmbedded(Server, Configuration());
        Assert.Equal($"{Math.Max(4, 2 * Environment.ProcessorCount)}", Parsed(address.Pooled)["Maximum Pool Size"]);
        Assert.True(address.IsEmbedded);

        var configured = DatabaseAddress.OfEmbedded(Server, Configuration((DatabaseAddress.PoolSizeKey, "9")));
        Assert.Equal("9", Parsed(configured.Pooled)["Maximum Pool Size"]);
    }

    private static DatabaseAddress? Resolve(params (string Key, string Value)[] settings) =>
        DatabaseAddress.FromConfiguration(Configuration(settings));

    private static IConfiguration Configuration(params (string Key, string Value)[] settings) => new ConfigurationBuilder()
        .AddInMemoryCollection(settings.Select(setting => KeyValuePair.Create(setting.Key, (string?)setting.Value)))
        .Build();

    /// <summary>Later keywords replace earlier ones, so a row of the table may replace a setting of ours.</summary>
    private static SortedDictionary<string, string> Parsed(string connectionString)
    {
        var builder = new Npgsql.NpgsqlConnectionStringBuilder(connectionString);
        return new(builder.ToDictionary(setting => setting.Key, setting => $"{setting.Value}"));
    }
}
