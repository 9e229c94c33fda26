// Answers with what Go's standard library reads in a multipart body: names and texts, and names and SHA-256 of files.
package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"os"
)

func main() {
	http.HandleFunc("/", func(response http.ResponseWriter, request *http.Request) {
		fields := [][2]string{}
		if request.ParseMultipartForm(1<<20) == nil {
			for name, values := range request.MultipartForm.Value {
				for _, value := range values {
					fields = append(fields, [2]string{name, value})
				}
			}
			for name, files := range request.MultipartForm.File {
				for _, file := range files {
					digest := sha256.New()
					if opened, err := file.Open(); err == nil {
						_, _ = io.Copy(digest, opened)
						_ = opened.Close()
					}
					fields = append(fields, [2]string{name, "sha256:" + hex.EncodeToString(digest.Sum(nil))})
				}
			}
		}
		response.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(response).Encode(fields)
	})
	_ = http.ListenAndServe("127.0.0.1:"+os.Args[1], nil)
}
