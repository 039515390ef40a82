using Modular.Testing;

namespace Modular.Identity.Tests;

public sealed class OkTests(App app) : IClassFixture<App>
{
    [Fact]
    public async Task The_auth_surface_is_there() => Assert.Equal("""{"ok":true}""", (await app.Scenario(_ => _.Get.Url("/api/auth/ok"))).Body);
}
