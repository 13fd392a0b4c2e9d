package anatomy_test

import (
	"context"
	"errors"
	"reflect"
	"testing"

	"github.com/webfarm-go/webfarm/internal/anatomy"
)

func TestOf(t *testing.T) {
	refused := errors.New("refused")
	decode := func(ctx context.Context, value string) (int, error) {
		r := anatomy.From(ctx)
		r.Add("text", len(value))
		r.Add("inside", 1, anatomy.Fact{Name: "a", Value: "b"})
		return 0, r.Refuse("inside", 1, refused)
	}
	want := &anatomy.Report{Err: refused, Layers: []anatomy.Layer{
		{Name: "text", Size: 3},
		{Name: "inside", Size: 1, Facts: []anatomy.Fact{{Name: "a", Value: "b"}}, Err: refused},
	}}
	if got := anatomy.Of(context.Background(), decode, "abc"); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v", got)
	}
	// Nobody asks for a report.
	if _, err := decode(context.Background(), "abc"); err != refused {
		t.Errorf("got %v", err)
	}
}

func TestRefuseAddsTheLayer(t *testing.T) {
	refused := errors.New("refused")
	r := new(anatomy.Report)
	r.Add("text", 3)
	if err := r.Refuse("inside", 7, refused); err != refused || len(r.Layers) != 2 ||
		r.Layers[0].Err != nil ||
		!reflect.DeepEqual(r.Layers[1], anatomy.Layer{Name: "inside", Size: 7, Err: refused}) {
		t.Errorf("got %v, %+v", err, r)
	}
}
