package main

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// handler takes commands:
//
//	PUT    /faults/{rpc}     a fault, such as {"code": "Internal", "message": "...", "times": 3}
//	DELETE /faults/{rpc}     the RPC works again, with ?volume= for that volume; without a name, all do
//	PUT    /snapshots/ready  true or false: whether the storage has finished its snapshots
//	GET    /calls/{rpc}      how often the RPC was called
//	GET    /published        on which nodes the storage has each volume published
func handler(faults *faults, storage *storage) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("PUT /faults/{rpc}", func(writer http.ResponseWriter, request *http.Request) {
		var wanted fault
		if !read(writer, request, &wanted) {
			return
		}
		if err := faults.set(request.PathValue("rpc"), wanted); err != nil {
			http.Error(writer, err.Error(), http.StatusBadRequest)
			return
		}
		answer(writer, wanted)
	})
	mux.HandleFunc("DELETE /faults/{rpc...}", func(writer http.ResponseWriter, request *http.Request) {
		faults.heal(request.PathValue("rpc"), request.URL.Query().Get("volume"))
		answer(writer, nil)
	})
	mux.HandleFunc("PUT /snapshots/ready", func(writer http.ResponseWriter, request *http.Request) {
		var ready bool
		if read(writer, request, &ready) {
			storage.finishSnapshots(ready)
			answer(writer, ready)
		}
	})
	mux.HandleFunc("GET /calls/{rpc}", func(writer http.ResponseWriter, request *http.Request) {
		answer(writer, faults.callsOf(request.PathValue("rpc")))
	})
	mux.HandleFunc("GET /published", func(writer http.ResponseWriter, _ *http.Request) {
		answer(writer, storage.publishedNodes())
	})
	return mux
}

func read(writer http.ResponseWriter, request *http.Request, into any) bool {
	decoder := json.NewDecoder(request.Body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		http.Error(writer, fmt.Sprintf("not understood: %v", err), http.StatusBadRequest)
		return false
	}
	return true
}

func answer(writer http.ResponseWriter, value any) {
	writer.Header().Set("Content-Type", "application/json")
	// An error here means that the asker is gone.
	_ = json.NewEncoder(writer).Encode(value)
}
