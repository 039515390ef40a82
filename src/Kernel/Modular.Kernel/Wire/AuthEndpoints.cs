using System.Reflection;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc.ApiExplorer;
using Microsoft.AspNetCore.Mvc.ModelBinding;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Patterns;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Modular.Kernel;

/// <summary>How a POST endpoint of the auth surface deviates from the rule: a required JSON object.</summary>
public sealed record AuthPost
{
    /// <summary>Also takes <c>application/x-www-form-urlencoded</c>.</summary>
    public bool AcceptsForm { get; init; }

    /// <summary>Checks the origin even without cookies when a browser sent the request (contract §3, "Form CSRF").</summary>
    public bool ChecksForm { get; init; }

    /// <summary>No body is as good as an empty object.</summary>
    public bool BodyOptional { get; init; }

    /// <summary>What validation errors call the body: <c>object</c>, or <c>record</c> for update-user.</summary>
    public string BodyKind { get; init; } = "object";
}

/// <summary>
/// Endpoints below <c>/api/auth</c>. Each enforces contract §1's order of checks before its handler: content type and
/// JSON, Origin and redirect URLs, schema (the handler's <see cref="IWireInput{TSelf}"/> parameter), form check. Paths are matched
/// exactly: case counts, a trailing slash is another path.
/// </summary>
public static class AuthEndpoints
{
    private static readonly MethodInfo ReaderOf = typeof(AuthEndpoints).GetMethod(nameof(Read), BindingFlags.NonPublic | BindingFlags.Static)!;

    /// <summary>Maps a GET; a handler parameter of type <see cref="IWireInput{TSelf}"/> or <see cref="WireBody"/> is read from the query.</summary>
    /// <param name="app">Where to.</param>
    /// <param name="path">Below the prefix, with a slash: <c>/get-session</c>.</param>
    /// <param name="handler">As of a minimal API.</param>
    /// <param name="checkedUrls">Query parameters that hold redirect targets.</param>
    public static RouteHandlerBuilder MapAuthGet(this IEndpointRouteBuilder app, string path, Delegate handler, params IReadOnlyList<string> checkedUrls)
    {
        var input = InputOf(handler, []);
        return Map(app, HttpMethods.Get, path, handler, input, async (context, trusted) =>
        {
            if (input is null && checkedUrls.Count == 0)
                return null;
            var query = WireRequest.ReadQuery(context.Request);
            return ReadInput(context, input, new WireBody(query, "query"))
                ?? WireRequest.CheckRedirects(context, query, checkedUrls, trusted);
        });
    }

    /// <summary>Maps a POST with a required JSON body.</summary>
    public static RouteHandlerBuilder MapAuthPost(this IEndpointRouteBuilder app, string path, Delegate handler) =>
        app.MapAuthPost(path, new AuthPost(), handler);

    /// <summary>Maps a POST; a handler parameter of type <see cref="IWireInput{TSelf}"/> or <see cref="WireBody"/> is read from the body.</summary>
    public static RouteHandlerBuilder MapAuthPost(this IEndpointRouteBuilder app, string path, AuthPost options, Delegate handler)
    {
        var input = InputOf(handler, options.AcceptsForm ? [WireRequest.Json, WireRequest.Form] : [WireRequest.Json]);
        return Map(app, HttpMethods.Post, path, handler, input, async (context, trusted) =>
        {
            var read = await WireRequest.ReadBody(context, options.AcceptsForm);
            if (read.Refusal is not null)
                return read.Refusal;
            JsonElement Query() => WireRequest.ReadQuery(context.Request);
            if ((WireRequest.CheckOrigin(context, trusted) ?? WireRequest.CheckRedirects(context, read.Answer, Query, trusted)) is { } refusal)
                return Told(context, refusal);
            Told(context, null);
            var isAbsent = options.BodyOptional && read.Answer.ValueKind == JsonValueKind.Undefined;
            var body = new WireBody(isAbsent ? JsonElement.Parse("{}") : read.Answer, "body", options.BodyKind, () => new WireBody(Query(), "query"));
            return ReadInput(context, input, body) ?? (options.ChecksForm ? WireRequest.CheckForm(context, trusted) : null);
        });
    }

    /// <summary>Unknown paths and wrong methods: 404 with an empty body, never 405 (contract §1).</summary>
    internal static void MapAuthNotFound(this IEndpointRouteBuilder app) => app
        .Map(Surface.Auth + "/{**path}", context =>
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return Task.CompletedTask;
        })
        .ExcludeFromDescription();

    internal static IServiceCollection AddWireDescriptions(this IServiceCollection services)
    {
        services.TryAddEnumerable(ServiceDescriptor.Transient<IApiDescriptionProvider, WireDescriptions>());
        return services;
    }

    private static RouteHandlerBuilder Map(
        IEndpointRouteBuilder app, string method, string path, Delegate handler, WireInput? input, Func<HttpContext, TrustedUrls, Task<Refusal?>> check)
    {
        var route = app.MapMethods(Surface.Auth + path, [method], handler).WithTags("auth").Produces(StatusCodes.Status200OK, contentType: "application/json");
        route.Add(endpoint =>
        {
            if (input is not null)
                endpoint.Metadata.Add(input);
            var (handle, pattern) = (endpoint.RequestDelegate!, ((RouteEndpointBuilder)endpoint).RoutePattern);
            endpoint.RequestDelegate = async context =>
            {
                if (!IsExact(pattern, context.Request.Path))
                {
                    context.Response.StatusCode = StatusCodes.Status404NotFound;
                    return;
                }

                if (await check(context, context.RequestServices.GetRequiredService<TrustedUrls>()) is { } refusal)
                    await refusal.ToHttp().ExecuteAsync(context);
                else
                    await handle(context);
            };
        });
        return route;
    }

    // Routing ignores case and a trailing slash.
    private static bool IsExact(RoutePattern pattern, PathString path)
    {
        var segments = path.Value!.Split('/')[1..];
        return segments.Length == pattern.PathSegments.Count
            && segments.Zip(pattern.PathSegments).All(pair =>
                pair.Second.Parts is not [RoutePatternLiteralPart literal] || pair.First == literal.Content);
    }

    private static Refusal? Told(HttpContext context, Refusal? refusal)
    {
        AuthTrace.Of(context)?.Tell("origin and redirects", refusal?.Code ?? "trusted", detail: WireRequest.OriginOf(context));
        return refusal;
    }

    private static Refusal? ReadInput(HttpContext context, WireInput? input, WireBody body)
    {
        if (input is null)
            return null;
        context.Items[typeof(WireBody)] = body;
        if (input.Read is { } read)
            context.Items[input.Type] = read(body);
        return body.Refusal;
    }

    private static WireInput? InputOf(Delegate handler, IReadOnlyList<string> mediaTypes)
    {
        var types = handler.Method.GetParameters().Select(parameter => parameter.ParameterType).ToList();
        if (types.Find(IsInput) is { } type)
            return new(type, ReaderOf.MakeGenericMethod(type).CreateDelegate<Func<WireBody, object>>(), mediaTypes);
        return types.Contains(typeof(WireBody)) ? new(typeof(WireBody), null, mediaTypes) : null;
    }

    private static object Read<T>(WireBody body)
        where T : class, IWireInput<T> => T.Read(body);

    private static bool IsInput(Type type) =>
        type.GetInterfaces().Any(implemented => implemented.IsGenericType && implemented.GetGenericTypeDefinition() == typeof(IWireInput<>));

    /// <summary>
    /// Tells OpenAPI about bodies. Not <c>Accepts</c>: its metadata takes part in routing, which would answer other content
    /// types itself.
    /// </summary>
    private sealed class WireDescriptions : IApiDescriptionProvider
    {
        private static readonly EmptyModelMetadataProvider Models = new();

        // After the descriptions of minimal APIs are made, at -1100.
        public int Order => -1000;

        public void OnProvidersExecuting(ApiDescriptionProviderContext context)
        {
            foreach (var route in context.Results)
            {
                if (route.ActionDescriptor.EndpointMetadata.OfType<WireInput>().FirstOrDefault() is { } input)
                    Describe(route, input);
            }
        }

        public void OnProvidersExecuted(ApiDescriptionProviderContext context)
        {
        }

        private static void Describe(ApiDescription route, WireInput input)
        {
            var bound = route.ParameterDescriptions.Where(parameter => parameter.Type == input.Type).ToList();
            bound.ForEach(parameter => route.ParameterDescriptions.Remove(parameter));
            if (input.MediaTypes.Count > 0)
                Add(route, "body", BindingSource.Body, input.Read is null ? typeof(JsonElement) : input.Type);
            else if (input.Read is not null)
            {
                foreach (var member in input.Type.GetProperties())
                    Add(route, JsonNamingPolicy.CamelCase.ConvertName(member.Name), BindingSource.Query, member.PropertyType);
            }

            foreach (var mediaType in input.MediaTypes)
                route.SupportedRequestFormats.Add(new() { MediaType = mediaType });
        }

        private static void Add(ApiDescription route, string name, BindingSource source, Type type) =>
            route.ParameterDescriptions.Add(new()
            {
                Name = name,
                Source = source,
                Type = type,
                ModelMetadata = Models.GetMetadataForType(type),
                IsRequired = source == BindingSource.Body,
            });
    }
}
