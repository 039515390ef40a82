namespace Modular.Audit;

/// <summary>The lines of a file as the bytes that they are, each with its line break: a digest over anything else would pass a copy that is another.</summary>
internal sealed class RawLines(Stream source)
{
    private byte[] _buffer = new byte[1 << 16];
    private int _at;
    private int _filled;

    /// <summary>Valid until the next call; empty at the end.</summary>
    public async ValueTask<ReadOnlyMemory<byte>> Next(CancellationToken ct)
    {
        for (var searched = _at; ;)
        {
            if (_buffer.AsSpan(searched, _filled - searched).IndexOf((byte)'\n') is >= 0 and var found)
                return Take(searched + found + 1);
            searched = _filled - _at;
            _buffer.AsSpan(_at, searched).CopyTo(_buffer);
            (_at, _filled) = (0, searched);
            if (_filled == _buffer.Length)
                Array.Resize(ref _buffer, _buffer.Length * 2);
            var read = await source.ReadAsync(_buffer.AsMemory(_filled), ct);
            if (read == 0)
                return Take(_filled);
            _filled += read;
        }
    }

    private ReadOnlyMemory<byte> Take(int end)
    {
        var line = _buffer.AsMemory(_at, end - _at);
        _at = end;
        return line;
    }
}
