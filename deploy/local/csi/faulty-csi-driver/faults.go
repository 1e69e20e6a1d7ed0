package main

import (
	"context"
	"fmt"
	"log"
	"path"
	"sync"
	"time"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// A fault says how calls of one RPC end. Code names a gRPC code as CamelCase; "OK" only delays.
type fault struct {
	Code         codes.Code `json:"-"`
	CodeName     string     `json:"code"`
	Message      string     `json:"message"`
	Times        int        `json:"times"`        // so many calls only; 0: every call
	DelaySeconds float64    `json:"delaySeconds"` // before the answer; a caller that gives up ends it
	Done         bool       `json:"done"`         // the call takes effect, and only its answer is an error
	Volume       string     `json:"volume"`       // only calls about this volume ID; "": about any
	AboveBytes   int64      `json:"aboveBytes"`   // only calls that ask for more than so many bytes
}

// Place is where a fault was put: calls of an RPC, about one volume or about any.
type place struct{ rpc, volume string }

// Faults counts the calls of every RPC and lets those end badly that were told to.
type faults struct {
	mutex sync.Mutex
	at    map[place]*fault
	calls map[string]int
	known map[string]bool
}

func newFaults() *faults {
	known := map[string]bool{}
	for _, service := range []grpc.ServiceDesc{csi.Identity_ServiceDesc, csi.Controller_ServiceDesc} {
		for _, method := range service.Methods {
			known[method.MethodName] = true
		}
	}
	return &faults{at: map[place]*fault{}, calls: map[string]int{}, known: known}
}

func (f *faults) set(rpc string, wanted fault) error {
	if !f.known[rpc] {
		return fmt.Errorf("no RPC %q", rpc)
	}
	if wanted.Times < 0 || wanted.DelaySeconds < 0 || wanted.AboveBytes < 0 {
		return fmt.Errorf("times, delaySeconds and aboveBytes must not be negative")
	}
	found := false
	for code := codes.OK; code <= codes.Unauthenticated; code++ {
		if code.String() == wanted.CodeName {
			wanted.Code, found = code, true
		}
	}
	if !found {
		return fmt.Errorf("no gRPC code %q", wanted.CodeName)
	}
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.at[place{rpc, wanted.Volume}] = &wanted
	return nil
}

// heal forgets the faults of one RPC and volume; an empty name stands for all.
func (f *faults) heal(rpc, volume string) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	for at := range f.at {
		if (rpc == "" || at.rpc == rpc) && (volume == "" || at.volume == volume) {
			delete(f.at, at)
		}
	}
}

func (f *faults) callsOf(rpc string) int {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	return f.calls[rpc]
}

// next counts a call that asks for so many bytes and returns its fault, if it is to have one.
func (f *faults) next(rpc, volume string, bytes int64) (fault, bool) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.calls[rpc]++
	for _, at := range []place{{rpc, volume}, {rpc, ""}} {
		found, ok := f.at[at]
		if !ok || (found.AboveBytes > 0 && bytes <= found.AboveBytes) {
			continue
		}
		if found.Times == 1 {
			delete(f.at, at)
		}
		if found.Times > 0 {
			found.Times--
		}
		return *found, true
	}
	return fault{}, false
}

// volumeOf returns the volume ID that a request is about, "" when it is about none.
func volumeOf(request any) string {
	switch about := request.(type) {
	case interface{ GetVolumeId() string }:
		return about.GetVolumeId()
	case interface{ GetSourceVolumeId() string }:
		return about.GetSourceVolumeId()
	}
	return ""
}

// bytesOf returns how much a request asks for, 0 when it asks for no size.
func bytesOf(request any) int64 {
	if sized, ok := request.(interface{ GetCapacityRange() *csi.CapacityRange }); ok {
		return sized.GetCapacityRange().GetRequiredBytes()
	}
	return 0
}

func (f *faults) intercept(ctx context.Context, request any, info *grpc.UnaryServerInfo, work grpc.UnaryHandler) (any, error) {
	rpc := path.Base(info.FullMethod)
	wanted, ok := f.next(rpc, volumeOf(request), bytesOf(request))
	if !ok {
		return work(ctx, request)
	}
	log.Printf("%s of %q: to end with %s", rpc, volumeOf(request), wanted.CodeName)
	if wanted.Done {
		if answer, err := work(ctx, request); err != nil {
			return answer, err
		}
	}
	select {
	case <-time.After(time.Duration(wanted.DelaySeconds * float64(time.Second))):
	case <-ctx.Done():
		return nil, status.FromContextError(ctx.Err()).Err()
	}
	if wanted.Code == codes.OK {
		return work(ctx, request)
	}
	return nil, status.Error(wanted.Code, wanted.Message)
}
