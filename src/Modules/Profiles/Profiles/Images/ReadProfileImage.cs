using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Net.Http.Headers;
using Modular.Kernel;
using Modular.Store;
using Npgsql;

namespace Modular.Profiles;

/// <summary>Somebody sees the picture of a profile that they may see: <c>GET /api/profiles/{id}/image</c>.</summary>
internal static class ReadProfileImage
{
    internal static readonly Refusal NotFound = Refusal.NotFound("image_not_found", "There is no such picture, or it is not for you to see");

    internal sealed class Endpoint(StoreDatabase database) : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapGet("/api/profiles/{id}/image", async (string id, HttpContext context, Caller caller, IQuerySession store, CancellationToken ct) =>
            {
                await SignedInExtensions.Identify(context);
                if (await store.LoadAsync<Profile>(caller.Named(id), ct) is not { Image: { } image } profile || !caller.Sees(profile))
                    return NotFound.ToHttp();
                Describe(context.Response.Headers);
                var tag = new EntityTagHeaderValue($"\"{image.Hash}\"");
                return await Bytes(profile.UserId, image.Hash, ct) is { } bytes
                    ? TypedResults.Bytes(bytes, image.Type, entityTag: tag)
                    : NotFound.ToHttp();
            })
            .WithName(nameof(ReadProfileImage))
            .WithTags("profiles")
            .Produces(StatusCodes.Status200OK, contentType: "image/png", additionalContentTypes: ["image/jpeg", "image/webp"])
            .Produces(StatusCodes.Status304NotModified)
            .ProducesProblem(StatusCodes.Status404NotFound);

        // Asked again each time, which costs an entity tag: who may see it may change, and nobody shares their cache with others.
        private static void Describe(IHeaderDictionary headers)
        {
            headers.CacheControl = "private, no-cache";
            headers.XContentTypeOptions = "nosniff";
            headers.ContentSecurityPolicy = "default-src 'none'; sandbox";
            headers.ContentDisposition = "inline";
            headers["Cross-Origin-Resource-Policy"] = "same-site";
        }

        private async Task<byte[]?> Bytes(string userId, string hash, CancellationToken ct)
        {
            await using var command = database.Pooled.CreateCommand("select bytes from profiles.images where user_id = $1 and hash = $2");
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = userId });
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = hash });
            return (byte[]?)await command.ExecuteScalarAsync(ct);
        }
    }
}
