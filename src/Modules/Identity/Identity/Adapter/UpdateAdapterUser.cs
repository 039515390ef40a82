using System.Text.Json;
using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Identity.Contracts;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>
/// An Auth.js application changes a user: <c>POST /api/adapter/update-user</c>. What is absent stays, null clears; the answer is the
/// whole user.
/// </summary>
internal static class UpdateAdapterUser
{
    /// <param name="Email">In lower case.</param>
    internal sealed record Command(
        string Id, WireValue<string> Name, WireValue<string> Image, WireValue<string> Email, WireValue<DateTimeOffset?> EmailVerified, string BaseUrl)
        : IRequest<Outcome<User>>, IIdempotent;

    internal sealed class Endpoint(PublicAddress address) : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAdapter("/update-user", async (JsonElement body, HttpContext context, IMediator mediator, CancellationToken ct) =>
            {
                var read = Read(body, address.For(context).ToString());
                if (read.Refusal is { } invalid)
                    return invalid.ToHttp();
                var outcome = await mediator.Send(read.Answer, ct);
                return outcome.ToHttp(user => AdapterRoutes.Answer(AuthJsUser.Of(user.ToPrincipal())));
            })
            .WithName(nameof(UpdateAdapterUser));
    }

    internal sealed class Handler(
        IDocumentSession store, AdapterUsers users, UnprovenAccess unproven, Verifications verifications, Mailer mailer, Refusals refusals, Caller caller,
        TimeProvider clock)
        : IRequestHandler<Command, Outcome<User>>
    {
        public async Task<Outcome<User>> Handle(Command command, CancellationToken ct)
        {
            if (await users.Find(command.Id, ct) is null)
                return AdapterRefusals.UserNotFound;
            var stream = await store.Events.FetchForWriting<User>(command.Id, ct);
            if (stream.Aggregate is not { } user)
                return AdapterRefusals.UserNotFound;
            caller.UserId = user.Id;
            refusals.When(User.EmailIndex, AdapterRefusals.EmailTaken);
            foreach (var @event in Decide(user, command, User.Now(clock)))
                user = await Apply(stream, user, @event, command.BaseUrl, ct);
            return user;
        }

        private async Task<bool> HasPasskey(string userId, CancellationToken ct) =>
            (await store.QueryAsync<Passkey>("where d.user_id = ? limit 1", ct, userId)).Count > 0
            || (await store.QueryAsync<Account>("where d.user_id = ?", ct, userId)).Any(account => account.AuthJs?.Type == "webauthn");

        private async Task<User> Apply(IEventStream<User> stream, User user, object @event, string baseUrl, CancellationToken ct)
        {
            switch (@event)
            {
                // Registered here, by anybody: what they left must not stay in the hands of whom the application has found out to
                // own the address. Who came by an application had only what Auth.js gave, and with a passkey it lets anybody
                // register any address.
                case UserEmailVerified when !user.EmailVerified && (user.Via != User.ViaAdapter || await HasPasskey(user.Id, ct)):
                    return await unproven.End(stream, User.ViaAdapter, ct);
                case UserEmailVerified verified:
                    stream.AppendOne(verified);
                    return user.Apply(verified);
                case UserEmailUnverified unverified:
                    stream.AppendOne(unverified);
                    return user.Apply(unverified);
                case UserEmailChanged changed:
                    stream.AppendOne(changed);
                    verifications.Revoke(ResetTicket.Purpose, user.Id);
                    await mailer.SendNotice(MailKind.EmailChanged, user.Email, baseUrl, ("email", AuthJsUser.AddressOf(changed.Email!) ?? "-"));
                    return user.Apply(changed);
                default:
                    stream.AppendOne(@event);
                    return user.Apply((UserUpdated)@event);
            }
        }
    }

    internal static Outcome<Command> Read(JsonElement body, string baseUrl)
    {
        var errors = new List<FieldError>();
        WireValue<string> Text(string name)
        {
            if (body.ValueKind != JsonValueKind.Object || !body.TryGetProperty(name, out var member))
                return default;
            if (member.ValueKind is not (JsonValueKind.String or JsonValueKind.Null))
                errors.Add(new FieldError(name, "This must be a text or null"));
            return new(true, member.ValueKind == JsonValueKind.String ? member.GetString() : null);
        }

        var (id, name, image, email, verified) = (Text("id"), Text("name"), Text("image"), Text("email"), Text("emailVerified"));
        DateTimeOffset? at = null;
        if (verified.Value is { } time)
        {
            if (DateTimeOffset.TryParse(time, System.Globalization.CultureInfo.InvariantCulture, System.Globalization.DateTimeStyles.AssumeUniversal, out var parsed))
                at = AdapterUsers.Time(parsed);
            else
                errors.Add(new FieldError("emailVerified", "This must be a time"));
        }

        if (id.Value is null)
            errors.Add(new FieldError("id", "This is missing"));
        if (errors.Count > 0)
            return Refusal.Invalid(errors);
        var address = AdapterUsers.Address(email.Value);
        if ((AdapterRefusals.OfAddress(address) ?? AdapterRefusals.OfTexts([name.Value, image.Value])) is { } invalid)
            return invalid;
        return new Command(
            id.Value!, name with { Value = AdapterUsers.Name(name.Value) }, image with { Value = AdapterUsers.Image(image.Value) },
            email with { Value = address }, new(verified.IsPresent, at), baseUrl);
    }

    /// <summary>What is already so is no change.</summary>
    internal static IEnumerable<object> Decide(User user, Command command, DateTimeOffset now)
    {
        List<string> changed = [];
        if (command.Name.IsPresent && command.Name.Value != user.Name)
            changed.Add(UserUpdated.NameMember);
        if (command.Image.IsPresent && command.Image.Value != user.Image)
            changed.Add(UserUpdated.ImageMember);
        if (changed.Count > 0)
        {
            yield return new UserUpdated(
                user.Id, changed, changed.Contains(UserUpdated.NameMember) ? command.Name.Value : null,
                changed.Contains(UserUpdated.ImageMember) ? command.Image.Value : null, now);
        }

        var address = !command.Email.IsPresent ? user.Email
            : command.Email.Value ?? (MissingAddress.Is(user.Email) ? user.Email : MissingAddress.Of(user.Id));
        var verifiedAt = MissingAddress.Is(address) ? null : command.EmailVerified.IsPresent ? command.EmailVerified.Value : user.VerifiedAt;
        if (address != user.Email)
            yield return new UserEmailChanged(user.Id, address, verifiedAt is not null, now, verifiedAt);
        else if (verifiedAt is null && user.EmailVerified)
            yield return new UserEmailUnverified(user.Id, User.ViaAdapter, now);
        else if (verifiedAt is not null && verifiedAt != user.VerifiedAt)
            yield return new UserEmailVerified(user.Id, User.ViaAdapter, now, verifiedAt);
    }
}
