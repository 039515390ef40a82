using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;
using Modular.Kernel;

namespace Modular.Host.OpenApi;

/// <summary>What is known of an operation beyond its route: its slice, what the slice reads, what errors look like.</summary>
internal static class OperationDescription
{
    public const string SessionCookie = "session";
    public const string AuthError = "AuthError";
    public const string OtherError = "Error";

    public static Task Describe(OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken ct)
    {
        var metadata = context.Description.ActionDescriptor.EndpointMetadata;
        if (metadata.OfType<MethodInfo>().FirstOrDefault()?.DeclaringType is { } declaring)
            DescribeSlice(operation, Outermost(declaring), context.Document!);
        foreach (var parameter in operation.Parameters?.OfType<OpenApiParameter>() ?? [])
            parameter.Name = JsonNamingPolicy.CamelCase.ConvertName(parameter.Name!);
        if (metadata.OfType<WireInput>().FirstOrDefault()?.Members() is { } members)
            DescribeInput(operation, members);
        var isAuth = context.Description.RelativePath!.StartsWith("api/auth/", StringComparison.Ordinal);
        DescribeErrors(operation, new OpenApiSchemaReference(isAuth ? AuthError : OtherError, context.Document));
        if (operation.Responses?.ContainsKey("401") == true)
            operation.Security = [new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference(SessionCookie, context.Document)] = [] }];
        return Task.CompletedTask;
    }

    /// <summary>A slice's records are all called Request and Response; its name in front keeps them apart.</summary>
    public static string? SchemaName(Type type) =>
        type is { IsNested: true, IsGenericType: false } && type.Namespace?.StartsWith("Modular.", StringComparison.Ordinal) == true
            ? Outermost(type).Name + type.Name
            : null;

    private static void DescribeSlice(OpenApiOperation operation, Type slice, OpenApiDocument document)
    {
        operation.OperationId ??= slice.Name;
        operation.Tags = new HashSet<OpenApiTagReference> { new(slice.Namespace!["Modular.".Length..].Split('.')[0], document) };
        (operation.Summary, operation.Description) = Comments.Of(slice, operation.Summary, operation.Description);
    }

    private static void DescribeInput(OpenApiOperation operation, IReadOnlyList<WireMember> members)
    {
        var query = members.Where(member => member.Source == "query").Select(member => (IOpenApiParameter)new OpenApiParameter
        {
            Name = member.Name,
            In = ParameterLocation.Query,
            Required = member.IsRequired,
            Schema = SchemaOf(member),
        });
        operation.Parameters = [.. (operation.Parameters ?? []).Where(parameter => parameter.In != ParameterLocation.Query), .. query];
        if (operation.RequestBody is not OpenApiRequestBody { Content: { } content } body)
            return;
        var inBody = members.Where(member => member.Source == "body").ToList();
        body.Required = inBody.Exists(member => member.IsRequired);
        var schema = new OpenApiSchema
        {
            Type = JsonSchemaType.Object,
            Properties = inBody.ToDictionary(member => member.Name, SchemaOf),
            Required = inBody.Where(member => member.IsRequired).Select(member => member.Name).ToHashSet(),
        };
        foreach (var mediaType in content.Values)
            mediaType.Schema = schema;
    }

    private static IOpenApiSchema SchemaOf(WireMember member) => new OpenApiSchema
    {
        Type = (member.Type switch
        {
            "string" => JsonSchemaType.String,
            "boolean" => JsonSchemaType.Boolean,
            "number" => JsonSchemaType.Number,
            "array" => JsonSchemaType.Array,
            _ => JsonSchemaType.Object,
        }) | (member.IsNullable ? JsonSchemaType.Null : 0),
        Format = member.Format,
        Enum = member.Options?.Select(option => (JsonNode)JsonValue.Create(option)).ToList(),
        Items = member.Type == "array" ? new OpenApiSchema { Type = JsonSchemaType.String } : null,
    };

    // The framework's metadata speaks of problem details, which no answer of ours is.
    private static void DescribeErrors(OpenApiOperation operation, IOpenApiSchema error)
    {
        foreach (var (status, response) in operation.Responses ?? [])
        {
            if (status[0] is '4' or '5' && response is OpenApiResponse answer)
                answer.Content = new Dictionary<string, OpenApiMediaType> { ["application/json"] = new OpenApiMediaType { Schema = error } };
        }
    }

    private static Type Outermost(Type type) => type.DeclaringType is { } outer ? Outermost(outer) : type;
}
