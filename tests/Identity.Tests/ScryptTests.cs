using System.Text;

namespace Modular.Identity.Tests;

public sealed class ScryptTests
{
    /// <summary>RFC 7914 §12, but for the last, which needs a gibibyte.</summary>
    [Theory]
    [InlineData("", "", 16, 1, 1, "77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442fcd0069ded0948f8326a753a0fc81f17e8d3e0fb2e0d3628cf35e20c38d18906")]
    [InlineData("password", "NaCl", 1024, 8, 16, "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b3731622eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640")]
    [InlineData("pleaseletmein", "SodiumChloride", 16384, 8, 1, "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887")]
    public void The_RFCs_vectors_come_out(string password, string salt, int n, int r, int p, string key) =>
        Assert.Equal(key, Convert.ToHexStringLower(Scrypt.DeriveKey(Encoding.UTF8.GetBytes(password), Encoding.UTF8.GetBytes(salt), n, r, p, 64)));

    /// <summary>RFC 7914 §8.</summary>
    [Fact]
    public void The_core_function_turns_the_RFCs_input_into_its_output()
    {
        var block = Words("7e879a214f3ec9867ca940e641718f26baee555b8c61c1b50df846116dcd3b1dee24f319df9b3d8514121e4b5ac5aa3276021d2909c74829edebc68db8b8c25e");
        Scrypt.Salsa(block);
        Assert.Equal(Words("a41f859c6608cc993b81cacb020cef05044b2181a2fd337dfd7b1c6396682f29b4393168e3c9e6bcfe6bc5b7a06d96bae424cc102c91745c24ad673dc7618f81"), block);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(1000)]
    public void A_cost_that_is_no_power_of_two_is_refused(int n) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => Scrypt.DeriveKey([], [], n, 1, 1, 64));

    private static uint[] Words(string hex) => [.. Convert.FromHexString(hex).Chunk(4).Select(word => BitConverter.ToUInt32(word))];
}
