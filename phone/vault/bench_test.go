package vault

import "testing"

// BenchmarkSave is the one durable write that 64 codes of a card cost.
func BenchmarkSave(b *testing.B) {
	v, err := Prepare(b.TempDir() + "/phone")
	if err != nil {
		b.Fatal(err)
	}
	defer v.Close()
	one := binding()
	b.ReportAllocs()
	for b.Loop() {
		one.Active.Reserved += 64
		if err := v.Save(cardText, one); err != nil {
			b.Fatal(err)
		}
	}
}
