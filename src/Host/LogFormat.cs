using Microsoft.Extensions.Configuration.Memory;

namespace Modular.Host;

/// <summary>
/// How a server's log is written unless something else is configured: for people in Development, elsewhere a line of JSON
/// per entry with its scopes, which name the trace (<c>TraceId</c>) that audit entries call <c>request</c>.
/// </summary>
internal static class LogFormat
{
    public static void SetDefaults(WebApplicationBuilder builder)
    {
        if (builder.Environment.IsDevelopment())
            return;
        // The first source, so that every other one has its say.
        ((IConfigurationBuilder)builder.Configuration).Sources.Insert(0, new MemoryConfigurationSource
        {
            InitialData =
            [
                new("Logging:Console:FormatterName", "json"),
                new("Logging:Console:FormatterOptions:IncludeScopes", "true"),
                new("Logging:Console:FormatterOptions:UseUtcTimestamp", "true"),
                new("Logging:Console:FormatterOptions:TimestampFormat", "yyyy-MM-ddTHH:mm:ss.fffZ"),
            ],
        });
    }
}
