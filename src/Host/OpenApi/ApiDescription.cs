using System.Reflection;
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
        options.CreateSchemaReferenceId = type => SchemaName(type.Type) ?? OpenApiOptions.CreateDefaultSchemaReferenceId(type);
        options.AddDocumentTransformer(Describe);
        options.AddOperationTransformer(DescribeOperation);
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
        var provider = scope.ServiceProvider.GetRequiredKeyedService<IOpenApiDocumentProvider>(Document);
        var document = await provider.GetOpenApiDocumentAsync();
        using var bytes = new MemoryStream();
        await document.SerializeAsJsonAsync(bytes, OpenApiSpecVersion.OpenApi3_1);
        return bytes.ToArray();
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
        document.Components ??= new OpenApiComponents();
        document.AddComponent(SessionCookie, new OpenApiSecurityScheme
        {
            Type = SecuritySchemeType.ApiKey,
            In = ParameterLocation.Cookie,
            Name = "better-auth.session_token",
            Description = "Set by signing up or in; its name begins with __Secure- where the public address is https.",
        });
        return Task.CompletedTask;
    }

    private const string SessionCookie = "session";

    private static Task DescribeOperation(OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken ct)
    {
        var metadata = context.Description.ActionDescriptor.EndpointMetadata;
        if (metadata.OfType<MethodInfo>().FirstOrDefault()?.DeclaringType is { } declaring)
        {
            var slice = Outermost(declaring);
            operation.OperationId ??= slice.Name;
            operation.Tags = new HashSet<OpenApiTagReference> { new(Module(slice), context.Document) };
            (operation.Summary, operation.Description) = Comments.Of(slice, operation.Summary, operation.Description);
        }

        if (operation.Responses?.ContainsKey("401") == true)
            operation.Security = [new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference(SessionCookie, context.Document)] = [] }];
        return Task.CompletedTask;
    }

    /// <summary>A slice's records are all called Request and Response; its name in front keeps them apart.</summary>
    private static string? SchemaName(Type type) =>
        type is { IsNested: true, IsGenericType: false, IsPrimitive: false } && type.Namespace?.StartsWith("Modular.", StringComparison.Ordinal) == true
            ? Outermost(type).Name + type.Name
            : null;

    private static string Module(Type slice) => slice.Namespace!["Modular.".Length..].Split('.')[0];

    private static Type Outermost(Type type) => type.DeclaringType is { } outer ? Outermost(outer) : type;
}
