using Modular.Profiles.Contracts;

namespace Modular.Host.CommandLine;

/// <summary>Who is made by a seed. Their ids and addresses stay the same: the walk-through of the README names them.</summary>
internal static class SeedPeople
{
    /// <summary>Of everybody who is made in Development, and nowhere else.</summary>
    public const string DevelopmentPassword = "seeded for development";

    public const string Administrator = "seed-admin";

    /// <summary>A domain that can belong to nobody (RFC 2606): no mail reaches a stranger.</summary>
    private const string Domain = "seed.example";

    private static readonly string[] English = ["en"];

    public static string Mentor(int number) => $"seed-mentor-{number}";

    public static string Mentee(int number) => $"seed-mentee-{number}";

    /// <summary>In the order in which they register.</summary>
    public static IReadOnlyList<SeedPerson> All(string password) =>
    [
        new(Administrator, "Robin Keller", $"admin@{Domain}", password, "admin", "Looks after all of it", "I keep the house in order.", "Europe/Berlin", ["en", "de"]),
        OfMentor(1, "Ada Byron", "Programs that are proved", "Europe/London", English, ["algorithms:expert", "mathematics:expert", "haskell:advanced"], 30, ["09:00-12:00", "13:00-17:00"], password),
        OfMentor(2, "Grace Murray", "Compilers and the people who need them", "America/New_York", English, ["compilers:expert", "cobol:expert", "teaching:advanced"], 60, ["09:00-17:00"], password),
        OfMentor(3, "Konrad Zweig", "Machines, from the relay up", "Europe/Berlin", ["de", "en"], ["hardware:expert", "c#:advanced", "postgresql:intermediate"], 60, ["09:00-12:00", "14:00-18:00"], password),
        OfMentor(4, "Joan Clarke", "Cryptography in practice", "Europe/Paris", ["fr", "en"], ["cryptography:expert", "security:advanced", "c#:intermediate"], 60, ["09:00-17:00"], password),
        OfMentor(5, "Sofia Reis", "Interfaces that explain themselves", "America/Sao_Paulo", ["pt-BR", "en"], ["typescript:expert", "design:advanced", "accessibility:expert"], 30, ["09:00-13:00", "14:00-17:00"], password),
        OfMentee(1, "Mina Okafor", "Africa/Lagos", "I want to prove what I write.", ["algorithms", "haskell"], password),
        OfMentee(2, "Jonas Lind", "Europe/Stockholm", "My first compiler should be finished by spring.", ["compilers", "c#"], password),
        OfMentee(3, "Priya Nair", "Asia/Kolkata", "From the web back to the metal.", ["hardware", "postgresql"], password),
        OfMentee(4, "Luca Moretti", "Europe/Rome", "I review code and want to see more in it.", ["security", "cryptography"], password),
        OfMentee(5, "Hana Suzuki", "Asia/Tokyo", "Everybody should be able to use what I build.", ["accessibility", "typescript", "design"], password),
    ];

    private static SeedPerson OfMentor(
        int number, string name, string headline, string timeZone, string[] languages, string[] expertise, int slotMinutes, string[] times, string password) => new(
        Mentor(number), name, $"mentor-{number}@{Domain}", password, "user", headline, $"{headline}: ask me anything about it.", timeZone, languages,
        new SeedMentor(expertise, Capacity: 10, slotMinutes, times));

    private static SeedPerson OfMentee(int number, string name, string timeZone, string goals, string[] interests, string password) => new(
        Mentee(number), name, $"mentee-{number}@{Domain}", password, "user", "Here to learn", goals, timeZone, English, Mentee: new SeedMentee(goals, interests));
}
