package main

import (
	"bytes"
	"testing"
)

func TestTheSameSeedMakesTheSameCases(t *testing.T) {
	t.Parallel()
	var first, second bytes.Buffer
	for _, out := range []*bytes.Buffer{&first, &second} {
		if err := run(out, 500, 7); err != nil {
			t.Fatal(err)
		}
	}
	if lines := bytes.Count(first.Bytes(), []byte("\n")); lines != 500 {
		t.Errorf("%d cases", lines)
	}
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Error("the cases differ")
	}
}
