using MediatR;
using Modular.Identity.Contracts;
using Modular.Store;

namespace Modular.Identity;

/// <summary>Another module pages through the users (<see cref="Contracts.ListPeople"/>).</summary>
internal static class ListPeople
{
    internal sealed class Handler(IDocumentSession store, TimeProvider clock) : IRequestHandler<Contracts.ListPeople, IReadOnlyList<PersonFacts>>
    {
        public async Task<IReadOnlyList<PersonFacts>> Handle(Contracts.ListPeople query, CancellationToken ct)
        {
            var now = clock.GetUtcNow();
            var (where, values) = Decide(query, now);
            var users = await store.QueryAsync<User>($"{where} order by d.created_at, d.id limit ?", ct, [.. values, query.Limit]);
            return [.. users.Select(user => user.ToFacts(now))];
        }
    }

    internal static (string Where, IReadOnlyList<object> Values) Decide(Contracts.ListPeople query, DateTimeOffset now)
    {
        var (terms, values) = (new List<string>(), new List<object>());
        void Add(string term, params object[] given)
        {
            terms.Add(term);
            values.AddRange(given);
        }

        if (query is { AfterCreatedAt: { } after, AfterId: { } id })
            Add("(d.created_at, d.id) > (?, ?)", after, id);
        if (query.Search is { Length: > 0 } text)
            Add("(d.name ilike ? or d.email ilike ?)", Pattern(text), Pattern(text));
        if (query.Role is { } role)
            Add("? = any(string_to_array(d.role, ','))", role);
        if (query.Status is { } status)
            Add($"? = {UserStatus.Sql}", status, now);
        if (query.OrganizationId is { } organization)
            Add("exists (select from identity.mt_doc_member m where m.organization_id = ? and m.user_id = d.id)", organization);
        return (terms.Count == 0 ? "" : $"where {string.Join(" and ", terms)}", values);
    }

    private static string Pattern(string text) =>
        $"%{text.Replace(@"\", @"\\", StringComparison.Ordinal).Replace("%", @"\%", StringComparison.Ordinal).Replace("_", @"\_", StringComparison.Ordinal)}%";
}
