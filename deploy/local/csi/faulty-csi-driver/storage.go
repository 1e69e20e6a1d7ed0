package main

import (
	"slices"
	"strings"
	"sync"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// Storage is what a real driver's array or cloud would remember. Volumes exist as soon as they are named.
type storage struct {
	mutex     sync.Mutex
	published map[string]map[string]bool // nodes by volume
	snapshots map[string]*csi.Snapshot   // by the name that was asked for
	ready     bool
}

func newStorage() *storage {
	return &storage{
		published: map[string]map[string]bool{},
		snapshots: map[string]*csi.Snapshot{},
		ready:     true,
	}
}

func (s *storage) publish(volume, node string) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.published[volume] == nil {
		s.published[volume] = map[string]bool{}
	}
	s.published[volume][node] = true
}

// unpublish takes a volume from one node, or from all without a name.
func (s *storage) unpublish(volume, node string) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	delete(s.published[volume], node)
	if node == "" || len(s.published[volume]) == 0 {
		delete(s.published, volume)
	}
}

func (s *storage) publishedNodes() map[string][]string {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	found := map[string][]string{}
	for volume, nodes := range s.published {
		for node := range nodes {
			found[volume] = append(found[volume], node)
		}
		slices.Sort(found[volume])
	}
	return found
}

// snapshot returns the snapshot of a name, and makes it when there is none.
func (s *storage) snapshot(name, volume string) *csi.Snapshot {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.snapshots[name] == nil {
		s.snapshots[name] = &csi.Snapshot{
			SnapshotId:     "of-" + volume + "-" + name,
			SourceVolumeId: volume,
			SizeBytes:      1 << 30,
			CreationTime:   timestamppb.Now(),
		}
	}
	return s.asTold(s.snapshots[name])
}

func (s *storage) deleteSnapshot(id string) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for name, snapshot := range s.snapshots {
		if snapshot.SnapshotId == id {
			delete(s.snapshots, name)
		}
	}
}

// list returns snapshots in a stable order, only those of an ID or a volume when one is given.
func (s *storage) list(id, volume string) []*csi.Snapshot {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	var found []*csi.Snapshot
	for _, snapshot := range s.snapshots {
		if (id == "" || snapshot.SnapshotId == id) && (volume == "" || snapshot.SourceVolumeId == volume) {
			found = append(found, s.asTold(snapshot))
		}
	}
	slices.SortFunc(found, func(one, other *csi.Snapshot) int {
		return strings.Compare(one.SnapshotId, other.SnapshotId)
	})
	return found
}

func (s *storage) finishSnapshots(ready bool) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.ready = ready
}

// asTold returns a copy: the original would be read by gRPC while it is changed here.
func (s *storage) asTold(snapshot *csi.Snapshot) *csi.Snapshot {
	return &csi.Snapshot{
		SnapshotId:     snapshot.SnapshotId,
		SourceVolumeId: snapshot.SourceVolumeId,
		SizeBytes:      snapshot.SizeBytes,
		CreationTime:   snapshot.CreationTime,
		ReadyToUse:     s.ready,
	}
}
