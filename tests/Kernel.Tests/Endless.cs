namespace Modular.Kernel.Tests;

/// <summary>Spaces whose number nobody is told beforehand.</summary>
internal sealed class Endless(int length) : MemoryStream(Enumerable.Repeat((byte)' ', length).ToArray())
{
    public override bool CanSeek => false;
}
