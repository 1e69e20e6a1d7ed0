// Faulty-csi-driver is a CSI driver without storage: it keeps everything in memory and fails on command.
//
// The sidecars reach it at --endpoint, whoever commands it at --control: both are unix sockets.
// What commands there are stands in control.go, what the driver remembers in storage.go.
package main

import (
	"flag"
	"log"
	"net"
	"net/http"
	"os"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc"
)

func main() {
	endpoint := flag.String("endpoint", "", "path of the unix socket for the sidecars")
	control := flag.String("control", "", "path of the unix socket for commands")
	name := flag.String("name", "", "name of the driver")
	flag.Parse()
	if *endpoint == "" || *control == "" || *name == "" {
		log.Fatal("--endpoint, --control and --name are needed")
	}

	storage := newStorage()
	faults := newFaults()
	server := grpc.NewServer(grpc.UnaryInterceptor(faults.intercept))
	csi.RegisterIdentityServer(server, &identity{name: *name})
	csi.RegisterControllerServer(server, &controller{storage: storage})

	commands := listen(*control)
	go func() { log.Fatal(http.Serve(commands, handler(faults, storage))) }()
	log.Fatal(server.Serve(listen(*endpoint)))
}

// listen takes a socket's path even when a killed driver left it behind.
func listen(path string) net.Listener {
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		log.Fatal(err)
	}
	listener, err := net.Listen("unix", path)
	if err != nil {
		log.Fatal(err)
	}
	return listener
}
