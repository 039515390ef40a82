using System.Security.Cryptography;
using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Options;
using Modular.Kernel;

namespace Modular.Profiles;

/// <summary>
/// A user, or an administrator for them, sends a picture, as it is, in the body: <c>PUT /api/profiles/{id}/image</c>.
/// </summary>
internal static class SetProfileImage
{
    internal sealed record Command(string UserId, byte[] Bytes) : IRequest<Outcome<Profile>>, IIdempotent;

    internal static readonly Refusal TooLarge = Refusal.Of(
        StatusCodes.Status413PayloadTooLarge, "image_too_large", $"The picture has too many bytes, or a side longer than {Picture.LongestSide} pixels");

    internal static readonly Refusal NotAnImage = Refusal.Of(
        StatusCodes.Status415UnsupportedMediaType, "image_type", "A picture is a PNG, a JPEG or a WebP, whatever its name says");

    internal sealed class Endpoint(IOptions<ProfileOptions> options) : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapPut("/api/profiles/{id}/image", async (string id, HttpContext context, Caller caller, IMediator mediator, CancellationToken ct) =>
            {
                if (await Read(context.Request, options.Value.MaxImageSize, ct) is not { } bytes)
                    return TooLarge.ToHttp();
                var outcome = await mediator.Send(new Command(caller.Named(id), bytes), ct);
                return outcome.ToHttp(profile => WireJson.Ok(new { Image = $"/api/profiles/{profile.UserId}/image?v={profile.Image!.Hash[..12]}", profile.Image.Type, profile.Image.Width, profile.Image.Height }));
            })
            .RequireOwnership("id", "admin")
            .WithName(nameof(SetProfileImage))
            .WithTags("profiles")
            .ProducesProblem(StatusCodes.Status413PayloadTooLarge)
            .ProducesProblem(StatusCodes.Status415UnsupportedMediaType);

        // One byte more than allowed is enough to know.
        private static async Task<byte[]?> Read(HttpRequest request, int most, CancellationToken ct)
        {
            if (request.ContentLength > most)
                return null;
            var buffer = new byte[most + 1];
            var length = await request.Body.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, ct);
            return length > most ? null : buffer[..length];
        }
    }

    internal sealed class Handler(ProfileStreams profiles) : IRequestHandler<Command, Outcome<Profile>>
    {
        public async Task<Outcome<Profile>> Handle(Command command, CancellationToken ct)
        {
            if (Picture.Of(command.Bytes) is not { } picture)
                return NotAnImage;
            if (picture.Width > Picture.LongestSide || picture.Height > Picture.LongestSide)
                return TooLarge;
            var opened = await profiles.Open(command.UserId, [], ct);
            if (opened.Refusal is { } refusal)
                return refusal;
            var (open, hash) = (opened.Answer, Convert.ToHexStringLower(SHA256.HashData(command.Bytes)));
            if (open.Profile.Image?.Hash == hash)
                return open.Profile;
            open.Store.QueueSqlCommand(
                "insert into profiles.images (user_id, hash, bytes) values (?, ?, ?) on conflict (user_id) do update set hash = excluded.hash, bytes = excluded.bytes",
                command.UserId, hash, command.Bytes);
            return await open.Append(new ProfileImageSet(command.UserId, hash, picture.Type, picture.Width, picture.Height, open.Now), ct);
        }
    }
}
