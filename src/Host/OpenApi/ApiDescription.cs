using System.Text;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace Modular.Host.OpenApi;

/// <summary>
/// <c>/openapi/v1.json</c>, the description of every route, and <c>/docs</c>, a page to browse it. Both describe what is
/// public anyway and are on unless <c>Modular:OpenApi</c> is false.
/// </summary>
internal static class ApiDescription
{
    private const string Document = "v1";

    public static void AddApiDescription(this IServiceCollection services) => services.AddOpenApi(Document, options =>
    {
        options.CreateSchemaReferenceId = type =>
            OperationDescription.SchemaName(type.Type) ?? OpenApiOptions.CreateDefaultSchemaReferenceId(type);
        options.AddOperationTransformer(OperationDescription.Describe);
        options.AddDocumentTransformer(Describe);
    });

    public static void MapApiDescription(this WebApplication app)
    {
        if (!app.Configuration.GetValue("Modular:OpenApi", true))
            return;
        var made = new Lazy<Task<byte[]>>(() => Make(app.Services));
        app.MapGet("/openapi/v1.json", async () => Results.Bytes(await made.Value, "application/json")).ExcludeFromDescription();
        app.MapDocsPage();
    }

    // Made once: the routes of a running server do not change, and a document costs more than a sign-in.
    private static async Task<byte[]> Make(IServiceProvider services)
    {
        await using var scope = services.CreateAsyncScope();
        var document = await scope.ServiceProvider.GetRequiredKeyedService<IOpenApiDocumentProvider>(Document).GetOpenApiDocumentAsync();
        while (true)
        {
            using var bytes = new MemoryStream();
            await document.SerializeAsJsonAsync(bytes, OpenApiSpecVersion.OpenApi3_1);
            if (!DropUnused(document, Encoding.UTF8.GetString(bytes.ToArray())))
                return bytes.ToArray();
        }
    }

    /// <summary>Schemas of types that no operation shows: what a slice reads is described by its members, not by its record.</summary>
    private static bool DropUnused(OpenApiDocument document, string json)
    {
        var schemas = document.Components!.Schemas!;
        var unused = schemas.Keys.Where(name => !json.Contains($"\"#/components/schemas/{name}\"", StringComparison.Ordinal)).ToList();
        unused.ForEach(name => schemas.Remove(name));
        return unused.Count > 0;
    }

    private static Task Describe(OpenApiDocument document, OpenApiDocumentTransformerContext context, CancellationToken ct)
    {
        document.Info = new OpenApiInfo
        {
            Title = "Modular",
            Version = typeof(ApiDescription).Assembly.GetName().Version!.ToString(3),
            Description = "Identity, sessions, profiles and audit. Routes below /api/auth speak the Better Auth wire protocol; "
                + "their errors are {message, code}, elsewhere {error, code, details}.",
            License = new OpenApiLicense { Name = "MIT", Identifier = "MIT" },
        };
        // The page and the document are served by the server they describe, whatever it is called from outside.
        document.Servers = [new OpenApiServer { Url = "/" }];
        document.AddComponent(OperationDescription.SessionCookie, new OpenApiSecurityScheme
        {
            Type = SecuritySchemeType.ApiKey,
            In = ParameterLocation.Cookie,
            Name = "better-auth.session_token",
            Description = "Set by signing up or in; its name begins with __Secure- where the public address is https.",
        });
        document.AddComponent(OperationDescription.AuthError, Error(("message", "For people."), ("code", "Stable, for programs; some answers have none.")));
        document.AddComponent(OperationDescription.OtherError, Error(("error", "For people."), ("code", "Stable, for programs."), ("details", "More of it, e.g. each wrong member.")));
        return Task.CompletedTask;
    }

    private static OpenApiSchema Error(params (string Name, string Meaning)[] members) => new()
    {
        Type = JsonSchemaType.Object,
        Required = new HashSet<string> { members[0].Name },
        Properties = members.ToDictionary(
            member => member.Name,
            member => (IOpenApiSchema)new OpenApiSchema { Type = member.Name == "details" ? null : JsonSchemaType.String, Description = member.Meaning }),
    };
}
