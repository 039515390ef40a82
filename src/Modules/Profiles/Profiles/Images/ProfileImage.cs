namespace Modular.Profiles;

/// <summary>A picture of somebody, as their profile knows it; its bytes lie in a table of their own.</summary>
/// <param name="Hash">SHA-256 of the bytes, in hexadecimal: the entity tag.</param>
internal sealed record ProfileImage(string Hash, string Type, int Width, int Height)
{
    // Beside the documents, so that reading a profile does not read a picture.
    public const string Table = """
        create table {schema}.images (
            user_id text collate "C" primary key,
            hash text not null,
            bytes bytea not null);
        alter table {schema}.images alter column bytes set storage external;
        """;

    public static ProfileImage Of(ProfileImageSet e) => new(e.Hash, e.Type, e.Width, e.Height);
}

/// <summary>The picture is another one from now on; what it shows is not in the log.</summary>
internal sealed record ProfileImageSet(string UserId, string Hash, string Type, int Width, int Height, DateTimeOffset At);

internal sealed record ProfileImageRemoved(string UserId, DateTimeOffset At);
