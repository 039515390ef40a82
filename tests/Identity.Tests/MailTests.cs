using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Modular.Testing;

namespace Modular.Identity.Tests;

public sealed class MailTests
{
    private static readonly MailWish Wish = new(
        MailKind.ResetPassword, "ada@example.com",
        new Dictionary<string, string> { ["app"] = "Modular", ["email"] = "ada@example.com", ["link"] = "http://x/{app}", ["valid"] = "60 minutes" });

    [Fact]
    public void Every_text_is_there_and_says_everything_it_is_given()
    {
        var texts = new MailTexts(Options.Create(new MailOptions()));
        foreach (var kind in Enum.GetValues<MailKind>())
        {
            var values = new Dictionary<string, string>();
            foreach (var name in (string[])["app", "email", "link", "code", "valid", "time", "device", "address", "organization"])
                values[name] = $"<{name}>";
            var mail = texts.Render("1", new MailWish(kind, "ada@example.com", values));
            Assert.Equal("ada@example.com", mail.To);
            Assert.DoesNotContain('{', mail.Subject + mail.Text);
            Assert.Contains("<app>", mail.Subject, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_value_is_not_filled_in_again()
    {
        var mail = new MailTexts(Options.Create(new MailOptions())).Render("1", Wish);
        Assert.Equal("Set a new password for Modular", mail.Subject);
        Assert.Contains("\nhttp://x/{app}\n", mail.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void The_operators_texts_replace_ours()
    {
        using var folder = new Folder(("reset-password.txt", "Subject: Neues Passwort\r\n\r\nBitte: {link}\r\n"));
        Assert.Null(MailTexts.Problem(folder.Path));
        var texts = new MailTexts(Options.Create(new MailOptions { Texts = folder.Path }));
        Assert.Equal(new Mail("1", "ada@example.com", "Neues Passwort", "Bitte: http://x/{app}\n"), texts.Render("1", Wish));
        Assert.Equal("Verify your address for Modular", texts.Render("1", Wish with { Kind = MailKind.VerifyEmail }).Subject);
    }

    [Theory]
    [InlineData("reset-pasword.txt", "Subject: x\n\n{link}", "is no mail of ours")]
    [InlineData("reset-password.txt", "Hello {link}", "must begin with a line 'Subject: …'")]
    [InlineData("reset-password.txt", "Subject: x\n\n{link} {name}", "uses {name}")]
    [InlineData("reset-password.txt", "Subject: x\n\nNothing", "lacks {link}")]
    [InlineData("password-changed.txt", "Subject: x\n\n{link}", "uses {link}")]
    public void A_text_that_would_not_work_is_named(string file, string content, string problem)
    {
        using var folder = new Folder((file, content));
        Assert.Contains(problem, MailTexts.Problem(folder.Path), StringComparison.Ordinal);
    }

    [Fact]
    public void A_mail_is_tried_again_ever_more_seldom() => Assert.Equal(
        [5, 10, 20, 40, 80, 160, 320, 600, 600],
        Enumerable.Range(0, 9).Select(attempts => DeliverMail.PauseAfter(attempts).TotalSeconds));

    private sealed class Folder : IDisposable
    {
        public Folder(params (string Name, string Content)[] files)
        {
            Directory.CreateDirectory(Path);
            foreach (var (name, content) in files)
                File.WriteAllText(System.IO.Path.Combine(Path, name), content);
        }

        public string Path { get; } = System.IO.Path.Combine(System.IO.Path.GetTempPath(), $"modular-texts-{Guid.NewGuid():N}");

        public void Dispose() => Directory.Delete(Path, recursive: true);
    }
}

public sealed class MailOverSmtp : IAsyncLifetime, IDisposable
{
    private readonly SmtpServer server = new();
    private App app = null!;

    public async Task InitializeAsync()
    {
        app = new AppWithSmtp(server.Port);
        await app.InitializeAsync();
    }

    public Task DisposeAsync() => app.DisposeAsync();

    public void Dispose() => server.Dispose();

    [Fact]
    public async Task A_mail_reaches_the_server_in_plain_text_with_a_lasting_id()
    {
        var ada = await app.SignedUp();
        await Ask(ada.Email);
        await app.Settled();
        var mail = Assert.Single(server.Mails);
        Assert.Contains("Subject: Set a new password for Example", mail, StringComparison.Ordinal);
        Assert.Contains("From: \"Example\" <no-reply@example.com>", mail.Replace("From: Example <", "From: \"Example\" <", StringComparison.OrdinalIgnoreCase), StringComparison.OrdinalIgnoreCase);
        Assert.Contains($"To: {ada.Email}", mail, StringComparison.OrdinalIgnoreCase);
        Assert.Matches("(?i)Message-ID: <[0-9a-f]{32}@example.com>", mail);
        Assert.Contains("Auto-Submitted: auto-generated", mail, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("Content-Type: text/plain", mail, StringComparison.OrdinalIgnoreCase);

        // Lines of the text are lines of the mail (RFC 2045 6.7), the link one of its own.
        var body = mail.ReplaceLineEndings("\n").Split("\n\n", 2)[1];
        Assert.DoesNotContain("=0A", body, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("=0D", body, StringComparison.OrdinalIgnoreCase);
        Assert.Matches("^Somebody, we hope you, .*\n\nhttp://[^\n]+\n\nIt works once and for 60 minutes", body);
        await app.Scenario(_ =>
        {
            _.Get.Url("/dev/mailbox");
            _.StatusCodeShouldBe(404);
        });
    }

    [Fact]
    public async Task A_text_in_another_language_arrives_in_its_lines()
    {
        using var scope = app.Services.CreateScope();
        await scope.ServiceProvider.GetRequiredService<IMailTransport>().Send(new Mail("1", "ada@example.com", "Passwort", "Grüße\n\nBitte: http://x/\n"), CancellationToken.None);
        var parts = Assert.Single(server.Mails).ReplaceLineEndings("\n").Split("\n\n", 2);
        Assert.Contains("Content-Transfer-Encoding: base64", parts[0], StringComparison.OrdinalIgnoreCase);
        Assert.Equal("Grüße\r\n\r\nBitte: http://x/\r\n", System.Text.Encoding.UTF8.GetString(Convert.FromBase64String(parts[1])));
    }

    [Fact]
    public async Task A_mail_that_does_not_leave_leaves_later()
    {
        server.Recipient = "451 try again";
        var ada = await app.SignedUp();
        await Ask(ada.Email);
        await app.Settled();
        Assert.Equal(1, server.Conversations);
        server.Recipient = "250 fine";
        server.Mails.Clear();
        app.Clock.Advance(TimeSpan.FromSeconds(5));
        await app.Settled();
        Assert.Single(server.Mails);
    }

    [Fact]
    public async Task What_the_server_refuses_for_good_is_not_tried_again()
    {
        server.Recipient = "550 no such mailbox";
        var ada = await app.SignedUp();
        await Ask(ada.Email);
        await app.Settled();
        app.Clock.Advance(TimeSpan.FromMinutes(1));
        await app.Settled();
        Assert.Equal(1, server.Conversations);
        Assert.Equal(0, await app.Count("select count(*) from messaging.dead_letters"));
    }

    [Fact]
    public async Task A_link_that_is_over_is_not_sent_any_more()
    {
        server.Recipient = "451 try again";
        var ada = await app.SignedUp();
        await Ask(ada.Email);
        await app.Settled();
        server.Recipient = "250 fine";
        server.Mails.Clear();
        app.Clock.Advance(TimeSpan.FromMinutes(61));
        await app.Settled();
        Assert.Empty(server.Mails);
    }

    [Fact]
    public async Task A_server_that_never_answers_delays_nobody()
    {
        server.Recipient = null;
        var people = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => app.SignedUp()));
        var slowest = TimeSpan.Zero;
        foreach (var person in people)
        {
            var watch = Stopwatch.StartNew();
            await Ask(person.Email);
            slowest = watch.Elapsed > slowest ? watch.Elapsed : slowest;
        }

        // A server that waited for it would take 30 s.
        Assert.True(slowest < TimeSpan.FromSeconds(10), $"{slowest}");
        Assert.Empty(server.Mails);
    }

    private Task<ScenarioResult> Ask(string email) => app.Post("/api/auth/request-password-reset", new() { ["email"] = email });

    private sealed class AppWithSmtp(int port) : App(new()
    {
        ["Smtp:Host"] = "127.0.0.1",
        ["Smtp:Port"] = $"{port}",
        ["Smtp:Tls"] = "false",
        ["Smtp:From"] = "Example <no-reply@example.com>",
        ["Mail:AppName"] = "Example",
    });
}
