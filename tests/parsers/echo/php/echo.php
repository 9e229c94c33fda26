<?php
// Answers with what PHP reads in a multipart body: names and texts, and names and SHA-256 of files.
$fields = [];
foreach ($_POST as $name => $value) {
    $fields[] = [strval($name), is_array($value) ? json_encode($value) : $value];
}
foreach ($_FILES as $name => $file) {
    if (is_string($file["tmp_name"]) && $file["tmp_name"] !== "") {
        $fields[] = [strval($name), "sha256:" . hash_file("sha256", $file["tmp_name"])];
    }
}
header("Content-Type: application/json");
echo json_encode($fields, JSON_INVALID_UTF8_SUBSTITUTE);
