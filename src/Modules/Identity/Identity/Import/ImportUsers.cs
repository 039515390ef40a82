using MediatR;
using Microsoft.Extensions.Options;
using Modular.Identity.Contracts;
using Modular.Sessions.Contracts;
using Modular.Store;

namespace Modular.Identity;

/// <summary>Users of another system are users here from now on, under their ids: <c>users import</c>, some at a time.</summary>
internal static class ImportUsers
{
    internal sealed class Handler(IDocumentSession store, ImportLedger ledger, ImportStaging staging, IOptions<ProvidersOptions> providers, TimeProvider clock)
        : IRequestHandler<Contracts.ImportUsers, ImportedUsers>
    {
        public async Task<ImportedUsers> Handle(Contracts.ImportUsers request, CancellationToken cancellationToken)
        {
            var (people, problems) = Read(request, providers.Value, User.Now(clock));
            var sight = await ImportSight.Look(store, ledger, people, cancellationToken);
            var (taken, known) = Decide(request.Kind, people, sight, problems);
            var done = request.IsDryRun
                ? new ImportedUsers(taken.Count, taken.Sum(person => person.Accounts.Count + (person.PasswordHash is null ? 0 : 1)), taken.Sum(person => person.Sessions.Count), known, 0, problems)
                : await staging.Stage(request.Kind, taken, known, problems, cancellationToken);
            if (!request.IsDryRun)
                ledger.Advance(request, done);
            return done;
        }

        private static (List<ImportedPerson> People, List<ImportProblem> Problems) Read(Contracts.ImportUsers request, ProvidersOptions providers, DateTimeOffset now)
        {
            var (people, problems) = (new List<ImportedPerson>(), new List<ImportProblem>());
            foreach (var source in request.Users)
            {
                var (person, problem) = ImportReading.Read(request.Kind, source, providers, now);
                if (person is not null)
                    people.Add(person);
                else
                    problems.Add(new(source.Id, "user", problem!));
            }

            return (people, problems);
        }
    }

    /// <summary>Whom to take, and what of theirs: not what others have here, or have claimed before them. Adds what is left out.</summary>
    internal static (List<ImportedPerson> Taken, int Known) Decide(string kind, IReadOnlyList<ImportedPerson> people, ImportSight sight, List<ImportProblem> problems)
    {
        var (taken, known) = (new List<ImportedPerson>(), 0);
        foreach (var person in people)
        {
            var refused = sight.Refuse(kind, person);
            if (refused == "")
                known++;
            if (refused is { Length: > 0 })
                problems.Add(new(person.Id, "user", refused));
            if (refused is not null)
                continue;
            if (person.Email is { } email)
                sight.Addresses.Add(email);
            problems.AddRange(person.Problems);
            taken.Add(Claim(person, sight, problems));
        }

        return (taken, known);
    }

    private static ImportedPerson Claim(ImportedPerson person, ImportSight sight, List<ImportProblem> problems)
    {
        var accounts = new List<ImportedAccount>();
        foreach (var account in person.Accounts)
        {
            if (sight.Accounts.Add((account.Issuer, account.AccountId)))
                accounts.Add(account.Id is { } id && (!ImportReading.IsId(id) || !sight.AccountIds.Add(id)) ? account with { Id = null } : account);
            else
                problems.Add(new(person.Id, "account", "taken"));
        }

        if (person.Username.Key is { } name && !sight.Usernames.Add(name))
        {
            problems.Add(new(person.Id, "username", "taken"));
            return person with { Accounts = accounts, Username = Username.None };
        }

        return person with { Accounts = accounts };
    }
}

/// <summary>Stages users of another system with their accounts and sessions.</summary>
internal sealed class ImportStaging(IDocumentSession store, Registration registration, AccountTokens tokens, ImportLedger ledger, IMediator mediator, TimeProvider clock)
{
    public async Task<ImportedUsers> Stage(
        string kind, IReadOnlyList<ImportedPerson> people, int known, IReadOnlyList<ImportProblem> problems, CancellationToken ct)
    {
        var (now, accounts) = (User.Now(clock), 0);
        foreach (var person in people)
        {
            await Register(kind, person);
            if (person.Ban is { } ban)
                store.Events.Append(person.Id, ban);
            accounts += person.Accounts.Count + (person.PasswordHash is null ? 0 : 1);
            foreach (var account in person.Accounts)
                Link(kind, person.Id, account, now);
            if (kind == ImportReading.Clerk)
                ledger.KnowAtClerk(person.Id, person.Version ?? 0);
        }

        var sessions = people.Where(person => person.Ban is null).SelectMany(person => person.Sessions).ToList();
        var imported = sessions.Count == 0 ? new ImportedSessions(0, 0, []) : await mediator.Send(new Sessions.Contracts.ImportSessions(sessions, "import"), ct);
        return new(
            people.Count, accounts, imported.Taken, known, imported.Over,
            [.. problems, .. imported.Known.Select(userId => new ImportProblem(userId, "session", "taken"))]);
    }

    private Task<User> Register(string kind, ImportedPerson person)
    {
        var place = $"{Domain(person.Id)}.import";
        var address = person.Email ?? (kind == ImportReading.AuthJs ? MissingAddress.Of(place) : AnonymousAddress.Of(place));
        var user = new NewUser(person.Name, address, person.Image, person.EmailVerified, person.Role, person.Username, person.IsAnonymous)
        {
            Id = person.Id,
            CreatedAt = person.CreatedAt,
            Reason = ImportSight.ReasonOf(kind),
        };
        return registration.Register(user, person.PasswordHash is { } hash ? (userId, at) => Account.Credential(userId, hash, at) : null);
    }

    private void Link(string kind, string userId, ImportedAccount from, DateTimeOffset now)
    {
        var account = new Account(from.Id ?? registration.NewId(), userId, from.ProviderId, from.Issuer, from.AccountId, null, from.CreatedAt ?? now, now) { AuthJs = from.AuthJs };
        store.Insert(from.Tokens is { } given ? tokens.Grant(account, given, now) : account);
        store.Events.Append(
            Account.StreamOf(account.Id),
            new AccountLinked(userId, account.Id, account.ProviderId, account.Issuer, account.AccountId, ImportSight.ReasonOf(kind), now));
    }

    // Ids that differ in case alone must not get one address.
    private static string Domain(string id) =>
        !id.Any(char.IsUpper) ? id : Convert.ToHexStringLower(System.Text.Encoding.UTF8.GetBytes(id));
}
