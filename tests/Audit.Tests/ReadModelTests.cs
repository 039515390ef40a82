using Microsoft.Extensions.DependencyInjection;
using Modular.Audit.Contracts;
using Modular.Testing;

namespace Modular.Audit.Tests;

public sealed class ReadModelTests(AdministeredApp app) : IClassFixture<AdministeredApp>
{
    [Fact]
    public async Task Every_read_model_of_every_module_is_made_again_as_it_was()
    {
        var ada = app.Browser();
        var signedUp = await Post(ada, "/api/auth/sign-up/email", new { name = "Ada", email = "ada@example.com", password = "a password of hers" });
        await Post(ada, "/api/auth/api-key/create", new { name = "for tests" });
        await app.Settled();
        await app.Scenario(_ => _.As(ada).Put.Json(new { headline = "Counts" }).ToUrl($"/api/profiles/{signedUp.Json().GetProperty("user").GetProperty("id")}"));
        await app.Settled();

        await using var scope = app.Services.CreateAsyncScope();
        var mediator = scope.ServiceProvider.GetRequiredService<MediatR.IMediator>();
        var names = await mediator.Send(new ListReadModels());
        Assert.Equal(
            ["audit.search", "identity.mt_doc_api_key", "identity.mt_doc_user", "neon_auth.users_sync", "profiles.mt_doc_office_session", "profiles.mt_doc_profile", "sessions.mt_doc_session"],
            names.Order(StringComparer.Ordinal));
        foreach (var name in names)
        {
            var rebuilt = (await mediator.Send(new Contracts.RebuildReadModel(name, Compare: true)))!;
            Assert.Equal((name, 0L), (name, rebuilt.Different!.Value));
            Assert.Equal(rebuilt.Rows, await app.Count($"select count(*) from {name}"));
            Assert.True(rebuilt.Rows > 0 || name == "profiles.mt_doc_office_session", name);
        }
    }

    private Task<ScenarioResult> Post(Browser browser, string url, object body) => app.Scenario(_ => _.As(browser).Post.Json(body).ToUrl(url));
}
