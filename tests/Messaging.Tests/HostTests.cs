using Microsoft.Extensions.DependencyInjection;
using Modular.Store;
using Modular.Testing;

namespace Modular.Messaging.Tests;

public sealed class HostTests(App app) : IClassFixture<App>
{
    [Fact]
    public async Task The_server_says_that_messages_are_handled()
    {
        await app.Settled();
        var ready = await app.Scenario(_ =>
        {
            _.Get.Url("/healthz/ready");
            _.StatusCodeShouldBe(200);
        });
        Assert.Equal("healthy", ready.Json().GetProperty("checks").GetProperty("messaging").GetProperty("status").GetString());
    }

    [Fact]
    public async Task The_schema_is_what_this_version_expects() =>
        Assert.DoesNotContain(
            await app.Services.GetRequiredService<SchemaValidator>().Validate(), difference => difference.Schema == MessagingSchema.Name);
}
