using MediatR;
using Modular.Identity.Contracts;
using Modular.Kernel;

namespace Modular.Identity;

/// <summary>The operator gives a password to a user who has none: <c>users set-password</c>.</summary>
internal static class SetPassword
{
    internal sealed class Handler(Registration registration, NewPassword newPassword, PublicAddress address)
        : IRequestHandler<Contracts.SetPassword, PasswordSet>
    {
        public async Task<PasswordSet> Handle(Contracts.SetPassword request, CancellationToken cancellationToken)
        {
            var email = request.Email.Trim().ToLowerInvariant();
            if (await registration.Find(email, cancellationToken) is not { } user)
                return new(null, $"Nobody has the address '{email}'.");
            if (PasswordRules.Refuse(request.Password, user.Email, user.Name) is { } unwise)
                return new(null, unwise.Message);
            if (await newPassword.AccountOf(user.Id, cancellationToken) is { Password: not null })
                return new(null, $"{user.Id} has a password already; they can ask for a link to set another one.");
            // The mail names the application by its address; without one a command cannot know it.
            var baseUrl = address.Known?.ToString() ?? "http://localhost/";
            return await newPassword.Set(user, request.Password, baseUrl, at => new PasswordGiven(user.Id, at), cancellationToken) is { } busy
                ? new(null, busy.Message)
                : new(user.Id, null);
        }
    }
}

/// <summary>The operator, or an administrator, gave a password to somebody.</summary>
internal sealed record PasswordGiven(string UserId, DateTimeOffset At);
