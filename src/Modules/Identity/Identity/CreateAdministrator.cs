using MediatR;
using Modular.Identity.Contracts;
using Modular.Kernel;

namespace Modular.Identity;

/// <summary>The operator makes an administrator at any time: <c>users create-admin</c>.</summary>
internal static class CreateAdministrator
{
    internal sealed class Handler(Registration registration, PasswordQueue passwords, Promotion promotion)
        : IRequestHandler<Contracts.CreateAdministrator, CreatedAdministrator>
    {
        public async Task<CreatedAdministrator> Handle(Contracts.CreateAdministrator request, CancellationToken cancellationToken)
        {
            var email = request.Email.Trim().ToLowerInvariant();
            if (Problem(email, request) is { } problem)
                return No(problem);
            var hash = await passwords.Hash(request.Password, cancellationToken);
            if (hash.Refusal is { } busy)
                return No(busy.Message);

            if (await registration.Find(email, cancellationToken) is { } user)
            {
                await promotion.Promote(user, hash.Answer, "made_by_operator", cancellationToken);
                return new CreatedAdministrator(user.Id, IsNew: false, Problem: null);
            }

            var administrator = await registration.Register(
                new NewUser(request.Name.Trim(), email, EmailVerified: true, Role: User.AdminRole), hash.Answer);
            return new CreatedAdministrator(administrator.Id, IsNew: true, Problem: null);
        }
    }

    private static string? Problem(string email, Contracts.CreateAdministrator request) =>
        !WireBody.IsEmail(email) ? $"'{email}' is no e-mail address."
        : request.Password.Length is < PasswordOptions.ShortestPassword or > PasswordOptions.LongestPassword
            ? $"The password must have {PasswordOptions.ShortestPassword} to {PasswordOptions.LongestPassword} characters."
        : PasswordRules.Refuse(request.Password, email) is not null ? "The password is one of those that guessers try first."
        : string.IsNullOrWhiteSpace(request.Name) ? "The name is empty."
        : null;

    private static CreatedAdministrator No(string problem) => new(null, IsNew: false, problem);
}
