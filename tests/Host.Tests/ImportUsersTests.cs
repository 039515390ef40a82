using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using Modular.Testing;

namespace Modular.Host.Tests;

/// <summary>Users of other systems, from tables as these make them.</summary>
public sealed class ImportUsersTests(App app) : IClassFixture<App>
{
    // By Better Auth 1.7.1: "correct-horse-1".
    private const string Hash = "21d07cb29ffaad2deb013160738f5899:dc8bc5c23bcfdb9dd9fe43027e02e31579d0a964812f9cd634f6e32d1774b90b35280f64af6e33829ecc91801c2b46622026e44a039f0784908f9fbdcc76770d";

    private const string BetterAuth = """
        create schema {0};
        create table {0}."user" (id text primary key, name text not null, email text not null unique, "emailVerified" boolean not null, image text,
            "createdAt" timestamptz not null default now(), "updatedAt" timestamptz not null default now(), role text, banned boolean, "banReason" text, "banExpires" timestamptz,
            "twoFactorEnabled" boolean, username text unique, "displayUsername" text);
        create table {0}.session (id text primary key, "expiresAt" timestamptz not null, token text not null unique, "createdAt" timestamptz not null, "updatedAt" timestamptz not null,
            "ipAddress" text, "userAgent" text, "userId" text not null references {0}."user" (id) on delete cascade, "impersonatedBy" text);
        create table {0}.account (id text primary key, "accountId" text not null, "providerId" text not null, "userId" text not null references {0}."user" (id) on delete cascade,
            "accessToken" text, "refreshToken" text, "idToken" text, "accessTokenExpiresAt" timestamptz, "refreshTokenExpiresAt" timestamptz, scope text, password text,
            "createdAt" timestamptz not null default now(), "updatedAt" timestamptz not null default now());
        """;

    private CommandLine Commands => new(app.ConnectionString);

    private string Url => DatabaseUrl(app.ConnectionString);

    [Fact]
    public async Task Users_of_Better_Auth_keep_their_ids_their_passwords_their_accounts_and_stay_signed_in()
    {
        await Sql(BetterAuth, "ba");
        await app.Sql("insert into ba.\"user\" (id, name, email, \"emailVerified\", image, \"createdAt\", role, username, \"displayUsername\") values ('baAda', 'Ada', 'Ba.Ada@Example.com', true, 'https://example.com/a.png', '2024-05-06T07:08:09Z', 'mentor', 'ba_ada', 'BA_Ada')");
        await app.Sql("insert into ba.account (id, \"accountId\", \"providerId\", \"userId\", password) values ('acc1', 'baAda', 'credential', 'baAda', $1)", Hash);
        await app.Sql("insert into ba.account (id, \"accountId\", \"providerId\", \"userId\", \"accessToken\", scope) values ('acc2', '4711', 'github', 'baAda', 'gho_secret', 'read:user,user:email')");
        await app.Sql("insert into ba.session (id, token, \"userId\", \"expiresAt\", \"createdAt\", \"updatedAt\", \"ipAddress\", \"userAgent\") values ('sess1', 'abcdefghijklmnopqrstuvwxyz012345', 'baAda', now() + interval '7 days', now() - interval '1 hour', now(), '203.0.113.7', 'Firefox')");
        await app.Sql("insert into ba.session (id, token, \"userId\", \"expiresAt\", \"createdAt\", \"updatedAt\") values ('sess2', 'abcdefghijklmnopqrstuvwxyz-over-', 'baAda', now() - interval '1 day', now() - interval '8 days', now() - interval '1 day')");

        var done = await Commands.Run("users", "import", "--from", "better-auth", Url, "--schema", "ba", "--json");
        Assert.Equal((0, ""), (done.ExitCode, done.Error));
        Assert.Equal("""{"from":"better-auth","dryRun":false,"users":1,"accounts":2,"sessions":1,"known":0,"endedSessions":1,"problems":[]}""", done.Output.Trim());

        // The cookie that Better Auth gave out under the same secret.
        var browser = app.Browser();
        browser.Put("better-auth.session_token", Signed("abcdefghijklmnopqrstuvwxyz012345"));
        var session = (await app.Scenario(_ => _.As(browser).Get.Url("/api/auth/get-session"))).Json();
        Assert.Equal(("baAda", "ba.ada@example.com", "mentor", "ba_ada", "2024-05-06T07:08:09.000Z"), (
            session.GetProperty("user").GetProperty("id").GetString(), session.GetProperty("user").GetProperty("email").GetString(), session.GetProperty("user").GetProperty("role").GetString(),
            session.GetProperty("user").GetProperty("username").GetString(), session.GetProperty("user").GetProperty("createdAt").GetString()));
        Assert.Equal(("sess1", "203.0.113.7"), (session.GetProperty("session").GetProperty("id").GetString(), session.GetProperty("session").GetProperty("ipAddress").GetString()));
        await app.Scenario(_ => _.Post.Json(new { email = "ba.ada@example.com", password = "correct-horse-1" }).ToUrl("/api/auth/sign-in/email"));

        await app.Settled();
        Assert.Equal(1, await app.Count("select count(*) from neon_auth.users_sync where id = 'baAda' and email = 'ba.ada@example.com' and created_at = '2024-05-06T07:08:09Z'"));
        Assert.Equal(1, await app.Count("select count(*) from audit.search where type = 'user.registered.1' and subject = 'baAda' and reason = 'import_better_auth'"));
        Assert.Equal(1, await app.Count("select count(*) from profiles.mt_doc_profile where id = 'baAda'"));
        Assert.Equal(1, await app.Count("select count(*) from identity.mt_doc_account where id = 'acc2' and issuer = 'local:oauth:github' and account_id = '4711' and data ->> 'scope' = 'read:user,user:email' and data ->> 'accessToken' not like '%gho%'"));
        Assert.Equal(0, await app.Count("select count(*) from sessions.mt_events where data::text like '%abcdefghijklmnopqrstuvwxyz012345%'"));

        // Whoever has gone since does not come back.
        await app.Scenario(_ => _.As(browser).Post.Json(new { password = "correct-horse-1" }).ToUrl("/api/auth/delete-user"));
        var again = await Commands.Run("users", "import", "--from", "better-auth", Url, "--schema", "ba", "--json");
        Assert.Equal((1, 0, 0), (again.ExitCode, again.Json.GetProperty("users").GetInt32(), again.Json.GetProperty("known").GetInt32()));
        Assert.Equal(["baAda user deleted_here"], Problems(again));
    }

    [Fact]
    public async Task What_cannot_be_taken_is_said_and_why_and_a_dry_run_takes_nothing()
    {
        await app.Scenario(_ => _.Post.Json(new { name = "Ada", email = "here@example.com", password = "correct-horse-1" }).ToUrl("/api/auth/sign-up/email"));
        await Sql(BetterAuth, "odd");
        await app.Sql("""
            insert into odd."user" (id, name, email, "emailVerified", role, banned, "banReason", "twoFactorEnabled") values
                ('o1', 'Taken', 'HERE@example.com', true, null, false, null, false),
                ('o2', 'No address', 'none', true, null, false, null, false),
                ('o:3', 'Odd id', 'o3@example.com', true, null, false, null, false),
                ('o4', 'Two factors', 'o4@example.com', true, 'editor', false, null, true),
                ('o5', 'Banned', 'o5@example.com', true, 'user', true, 'spam', false),
                ('o6', 'Twin', 'twin@example.com', true, null, false, null, false),
                ('o7', 'Twin', 'TWIN@example.com', true, null, false, null, false)
            """);
        await app.Sql("insert into odd.account (id, \"accountId\", \"providerId\", \"userId\", password) values ('o4', 'o4', 'credential', 'o4', $1), ('o5', 'o5', 'credential', 'o5', '$2a$10$bcrypt')", Hash);
        await app.Sql("insert into odd.session (id, token, \"userId\", \"expiresAt\", \"createdAt\", \"updatedAt\") values ('o5s', 'a-session-of-somebody-banned', 'o5', now() + interval '7 days', now(), now())");
        string[] problems =
        [
            "o1 user address_taken", "o2 user malformed_address", "o4 password second_factor", "o4 role unknown", "o5 password not_verifiable", "o7 user address_taken", "o:3 user malformed_id",
        ];

        var dry = await Commands.Run("users", "import", "--from", "better-auth", Url, "--schema", "odd", "--dry-run", "--json");
        Assert.Equal((1, 3), (dry.ExitCode, dry.Json.GetProperty("users").GetInt32()));
        Assert.Equal(problems, Problems(dry));
        Assert.Equal(0, await app.Count("select count(*) from identity.mt_doc_user where id like 'o_'"));
        Assert.Equal(0, await app.Count("select count(*) from identity.imports where run like 'better-auth/%' and users = 3"));

        var done = await Commands.Run("users", "import", "--from", "better-auth", Url, "--schema", "odd", "--json");
        Assert.Equal((1, 3), (done.ExitCode, done.Json.GetProperty("users").GetInt32()));
        Assert.Equal(problems, Problems(done));
        Assert.Equal(1, await app.Count("select count(*) from identity.mt_doc_user where id = 'o5' and banned and ban_reason = 'spam'"));
        Assert.Equal(0, await app.Count("select count(*) from sessions.mt_doc_session where user_id = 'o5'"));
        Assert.Equal(0, await app.Count("select count(*) from identity.mt_doc_account where user_id in ('o4', 'o5')"));

        // Once more: nobody twice.
        var again = await Commands.Run("users", "import", "--from", "better-auth", Url, "--schema", "odd");
        Assert.Equal(1, again.ExitCode);
        Assert.Contains("Imported 0 users, 0 accounts and 0 sessions. 3 users were here already, 0 sessions were over.", again.Output);
        Assert.Contains("address_taken", again.Output);
    }

    [Fact]
    public async Task Tables_of_Auth_js_are_read_as_drizzle_Prisma_and_plain_SQL_make_them()
    {
        await Sql("""
            create schema {0};
            create table {0}."user" (id text primary key, name text, email text unique, "emailVerified" timestamp, image text);
            create table {0}.account ("userId" text not null, type text not null, provider text not null, "providerAccountId" text not null, refresh_token text, access_token text, expires_at integer, token_type text, scope text, id_token text, session_state text);
            create table {0}.session ("sessionToken" text primary key, "userId" text not null, expires timestamp not null);
            insert into {0}."user" values ('d1', 'Drizzle', 'd1@example.com', '2024-01-02 03:04:05', null), ('d2', null, null, null, null);
            insert into {0}.account ("userId", type, provider, "providerAccountId", access_token, expires_at, scope, id_token) values
                ('d1', 'oidc', 'keycloak', 'kc-sub', 'token', 1700000000, 'openid email', 'e30.eyJpc3MiOiJodHRwczovL2tjLmV4YW1wbGUuY29tL3JlYWxtcy9hIn0.x');
            insert into {0}.session values ('5b5a6a53-0d9c-4d9e-a15a-3a2b3c4d5e6f', 'd1', (now() at time zone 'utc') + interval '20 days'), ('7b5a6a53-0d9c-4d9e-a15a-3a2b3c4d5e6f', 'd1', (now() at time zone 'utc') - interval '1 minute');
            """, "drizzle");
        await Sql("""
            create schema {0};
            create table {0}."User" (id text primary key, name text, email text unique, "emailVerified" timestamp(3), image text, "createdAt" timestamp(3) not null default now());
            create table {0}."Account" (id text primary key, "userId" text not null, provider text not null, "providerAccountId" text not null);
            create table {0}."Session" (id text primary key, "sessionToken" text unique, "userId" text not null, expires timestamp(3) not null);
            insert into {0}."User" (id, email) values ('cjld2cjxh0000qzrmn831i7rn', 'prisma@example.com');
            insert into {0}."Account" values ('cjacc', 'cjld2cjxh0000qzrmn831i7rn', 'google', '10769150350006150715113082367');
            """, "prisma");
        await Sql("""
            create schema {0};
            create table {0}.users (id serial primary key, name text, email text, "emailVerified" timestamptz, image text);
            create table {0}.accounts (id serial primary key, "userId" integer not null, type text not null, provider text not null, "providerAccountId" text not null, expires_at bigint);
            create table {0}.sessions (id serial primary key, "userId" integer not null, expires timestamptz not null, "sessionToken" text not null);
            insert into {0}.users (id, email) values (90001, 'pg1@example.com'), (90002, 'pg2@example.com');
            insert into {0}.accounts ("userId", type, provider, "providerAccountId") values (90001, 'oauth', 'github', '1001'), (90002, 'oauth', 'github', '1002'), (5, 'oauth', 'github', 'orphan');
            insert into {0}.sessions ("userId", expires, "sessionToken") values (90002, now() + interval '20 days', '8b5a6a53-0d9c-4d9e-a15a-3a2b3c4d5e6f');
            """, "plain");
        foreach (var (schema, counts) in ((string, string)[])[("drizzle", "2 1 1"), ("prisma", "1 1 0"), ("plain", "2 2 1")])
        {
            var done = await Commands.Run("users", "import", "--from", "authjs", Url, "--schema", schema, "--json");
            Assert.Equal((0, ""), (done.ExitCode, done.Error));
            Assert.Equal(counts, $"{done.Json.GetProperty("users")} {done.Json.GetProperty("accounts")} {done.Json.GetProperty("sessions")}");
        }

        Assert.Equal(1, await app.Count("select count(*) from identity.mt_doc_user where id = 'd1' and email_verified"));
        Assert.Equal(1, await app.Count("select count(*) from identity.mt_doc_user where id = 'd2' and email = 'none@d2.import.address.invalid' and not email_verified"));
        Assert.Equal(1, await app.Count("select count(*) from identity.mt_doc_account where user_id = 'd1' and issuer = 'authjs:keycloak' and account_id = 'kc-sub' and (data -> 'authJs' ->> 'expiresAt')::bigint = 1700000000 and (data ->> 'accessTokenExpiresAt')::timestamptz = to_timestamp(1700000000)"));
        Assert.Equal(1, await app.Count("select count(*) from identity.mt_doc_account where id = 'cjacc' and issuer = 'authjs:google'"));
        Assert.Equal(1, await app.Count("select count(*) from sessions.mt_doc_session where user_id = '90002' and token_hash = $1", SHA256.HashData(Encoding.UTF8.GetBytes("8b5a6a53-0d9c-4d9e-a15a-3a2b3c4d5e6f"))));
    }

    [Fact]
    public async Task Clerk_comes_as_its_export_or_its_API_has_it()
    {
        using var folder = new ScratchFolder();
        var export = Path.Combine(folder.Path, "users.csv");
        await File.WriteAllTextAsync(export, """
            id,first_name,last_name,username,primary_email_address,primary_phone_number,verified_email_addresses,unverified_email_addresses,verified_phone_numbers,unverified_phone_numbers,totp_secret,password_digest,password_hasher
            user_csv1,"Ada, ""the"" first",L,ada,csv1@example.com,,csv1@example.com other@example.com,,,,,$2a$10$abc,bcrypt
            user_csv2,,,phone,,+4912345,,,+4912345,,,,

            """);
        var done = await Commands.Run("users", "import", "--from", "clerk", export, "--json");
        Assert.Equal((1, 2), (done.ExitCode, done.Json.GetProperty("users").GetInt32()));
        Assert.Equal(["user_csv1 password not_verifiable"], Problems(done));
        Assert.Equal(1, await app.Count("select count(*) from identity.mt_doc_user where id = 'user_csv1' and name = 'Ada, \"the\" first L' and email_verified"));

        var api = Path.Combine(folder.Path, "api.json");
        await File.WriteAllTextAsync(api, """
            {"data":[{"id":"user_api1","first_name":"Api","last_name":null,"image_url":"https://img.clerk.com/x","primary_email_address_id":"i1",
              "email_addresses":[{"id":"i1","email_address":"api1@example.com","verification":{"status":"verified"}}],
              "external_accounts":[{"provider":"oauth_google","provider_user_id":"118"}],"banned":true,"created_at":1690000000000,"updated_at":1700000000000}],"total_count":1}
            """);
        Assert.Equal(0, (await Commands.Run("users", "import", "--from", "clerk", api)).ExitCode);
        Assert.Equal(1, await app.Count("select count(*) from identity.mt_doc_user where id = 'user_api1' and banned and created_at = to_timestamp(1690000000)"));
        Assert.Equal(2, await app.Count("select count(*) from identity.mt_doc_account where user_id = 'user_api1' and data ->> 'providerId' in ('clerk', 'google')"));
        Assert.Equal(1, await app.Count("select count(*) from identity.clerk_users where id = 'user_api1' and updated_at = 1700000000000"));
    }

    [Fact]
    public async Task Files_with_tables_do_as_well_and_what_is_no_source_is_said()
    {
        using var folder = new ScratchFolder();
        await File.WriteAllTextAsync(Path.Combine(folder.Path, "user.ndjson"), """
            {"id":"f1","name":"File","email":"f1@example.com","emailVerified":1,"createdAt":1700000000000}
            {"id":"f2","name":"File","email":"f2@example.com","emailVerified":0,"createdAt":"2024-01-01T00:00:00.000Z"}
            """);
        await File.WriteAllTextAsync(Path.Combine(folder.Path, "account.json"), $$"""[{"id":"fa","providerId":"credential","accountId":"f1","userId":"f1","password":"{{Hash}}"}]""");
        var done = await Commands.Run("users", "import", "--from", "better-auth", folder.Path, "--json");
        Assert.Equal((0, 2, 1), (done.ExitCode, done.Json.GetProperty("users").GetInt32(), done.Json.GetProperty("accounts").GetInt32()));
        Assert.Equal(1, await app.Count("select count(*) from identity.mt_doc_user where id = 'f1' and email_verified and created_at = to_timestamp(1700000000)"));
        Assert.Equal(1, await app.Count("select count(*) from identity.mt_doc_user where id = 'f2' and not email_verified"));

        Assert.Equal(2, (await Commands.Run("users", "import", "--from", "better-auth", "/nowhere/at-all")).ExitCode);
        Assert.Equal(2, (await Commands.Run("users", "import", "--from", "elsewhere", folder.Path)).ExitCode);
        Assert.Equal(1, (await Commands.Run("users", "import", "--from", "authjs", Url, "--schema", "empty")).ExitCode);
    }

    [Fact]
    public async Task Killed_in_the_middle_and_run_again_it_takes_everybody_once()
    {
        const int People = 3000;
        await Sql(BetterAuth, "many");
        await app.Sql($$"""
            insert into many."user" (id, name, email, "emailVerified") select 'm' || n, 'Name ' || n, case when n % 500 = 0 then 'none' || n else 'm' || n || '@example.com' end, true from generate_series(1, {{People}}) n
            """);
        await app.Sql($$"""insert into many.account (id, "accountId", "providerId", "userId") select 'ma' || n, 'many' || n, 'github', 'm' || n from generate_series(1, {{People}}) n""");
        await app.Sql($$"""insert into many.session (id, token, "userId", "expiresAt", "createdAt", "updatedAt") select 'ms' || n, md5(n::text), 'm' || n, now() + interval '7 days', now(), now() from generate_series(1, {{People}}) n""");

        for (var kills = 1; kills <= 3; kills++)
        {
            var before = await app.Count("select count(*) from identity.mt_doc_user where id like 'm%'");
            using var process = StartImport();
            while (!process.HasExited && await app.Count("select count(*) from identity.mt_doc_user where id like 'm%'") <= before)
                await Task.Delay(5);
            Assert.False(process.HasExited, "It was done before it could be killed.");
            process.Kill();
            await process.WaitForExitAsync();
        }

        var part = await app.Count("select count(*) from identity.mt_doc_user where id like 'm%'");
        Assert.InRange(part, 3, People - 10);
        var done = await Commands.Run("users", "import", "--from", "better-auth", Url, "--schema", "many", "--json");
        Assert.Equal(1, done.ExitCode);
        Assert.Equal((People - 6, People - 6, People - 6, 0), (
            done.Json.GetProperty("users").GetInt32(), done.Json.GetProperty("accounts").GetInt32(), done.Json.GetProperty("sessions").GetInt32(), done.Json.GetProperty("known").GetInt32()));
        Assert.Equal(6, Problems(done).Count);
        foreach (var table in (string[])["identity.mt_doc_user", "neon_auth.users_sync"])
            Assert.Equal(People - 6, await app.Count($"select count(*) from {table} where id like 'm%'"));
        foreach (var (table, column) in ((string, string)[])[("identity.mt_doc_account", "user_id"), ("sessions.mt_doc_session", "user_id")])
            Assert.Equal(People - 6, await app.Count($"select count(distinct {column}) from {table} where {column} like 'm%'"));
        Assert.Equal(0, await app.Count("select count(*) from identity.mt_events where stream_id like 'm%' and type = 'user.registered.1' group by stream_id having count(*) > 1 union all select 0 limit 1"));
    }

    private Process StartImport()
    {
        var start = new ProcessStartInfo("dotnet")
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["DATABASE_URL"] = "", ["DATABASE_URL_UNPOOLED"] = "", ["ConnectionStrings__Modular"] = app.ConnectionString },
        };
        foreach (var word in (string[])
        [
            Path.Combine(AppContext.BaseDirectory, "Modular.Host.dll"), "users", "import", "--from", "better-auth", Url, "--schema", "many",
            "--environment", "Development", "--Auth:Secret=a secret for tests, long enough to be one",
        ])
            start.ArgumentList.Add(word);
        return Process.Start(start)!;
    }

    private async Task Sql(string script, string schema) => await app.Sql(script.Replace("{0}", schema, StringComparison.Ordinal));

    private static IReadOnlyList<string> Problems(CommandResult result) =>
    [
        .. result.Json.GetProperty("problems").EnumerateArray()
            .Select(problem => $"{problem.GetProperty("userId")} {problem.GetProperty("what")} {problem.GetProperty("reason")}").Order(StringComparer.Ordinal),
    ];

    private static string Signed(string token) => Uri.EscapeDataString(
        $"{token}.{Convert.ToBase64String(HMACSHA256.HashData(Encoding.UTF8.GetBytes("a secret for tests, long enough to be one"), Encoding.UTF8.GetBytes(token)))}");

    private static string DatabaseUrl(string connectionString)
    {
        var settings = new Npgsql.NpgsqlConnectionStringBuilder(connectionString);
        return $"postgres://{Uri.EscapeDataString(settings.Username!)}:{Uri.EscapeDataString(settings.Password ?? "")}@{settings.Host}:{settings.Port}/{settings.Database}";
    }
}
