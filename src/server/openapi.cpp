// SPDX-License-Identifier: Apache-2.0
#include "server/openapi.h"

#include <reel/version.h>

#include <nlohmann/json.hpp>

#include "server/clip_request.h"

namespace reel::server {
namespace {

using nlohmann::json;

// Reel's own addresses; those of LightX2V's server are in docs/SERVER.md.
constexpr const char* kPaths = R"json({
"/v1/videos": {
  "post": {"operationId": "createVideo", "summary": "Queue a clip.",
    "requestBody": {"required": true, "content": {
      "application/json": {"schema": {"$ref": "#/components/schemas/VideoRequest"}},
      "multipart/form-data": {"schema": {"$ref": "#/components/schemas/VideoForm"}}}},
    "responses": {"200": {"$ref": "#/components/responses/Video"},
                  "default": {"$ref": "#/components/responses/Error"}}},
  "get": {"operationId": "listVideos", "summary": "List clips, newest first.",
    "parameters": [
      {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 100, "default": 20}},
      {"name": "order", "in": "query", "schema": {"type": "string", "enum": ["asc", "desc"], "default": "desc"}},
      {"name": "after", "in": "query", "schema": {"type": "string"}, "description": "The id that the page begins behind."}],
    "responses": {"200": {"description": "One page.", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/VideoList"}}}},
                  "default": {"$ref": "#/components/responses/Error"}}}},
"/v1/videos/{id}": {
  "parameters": [{"$ref": "#/components/parameters/Id"}],
  "get": {"operationId": "retrieveVideo", "summary": "How a clip is.",
    "responses": {"200": {"$ref": "#/components/responses/Video"},
                  "default": {"$ref": "#/components/responses/Error"}}},
  "delete": {"operationId": "deleteVideo", "summary": "Stop a clip if need be, and remove it.",
    "responses": {"200": {"description": "It is gone.", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Deleted"}}}},
                  "default": {"$ref": "#/components/responses/Error"}}}},
"/v1/videos/{id}/continue": {
  "parameters": [{"$ref": "#/components/parameters/Id"}],
  "post": {"operationId": "continueVideo", "summary": "Queue a clip that is held after its first steps, to go on from there.",
    "responses": {"200": {"$ref": "#/components/responses/Video"},
                  "default": {"$ref": "#/components/responses/Error"}}}},
"/v1/videos/{id}/content": {
  "parameters": [{"$ref": "#/components/parameters/Id"}],
  "get": {"operationId": "downloadVideo", "summary": "The clip, or part of it.",
    "parameters": [
      {"name": "variant", "in": "query", "schema": {"type": "string", "enum": ["video", "spritesheet"], "default": "video"}},
      {"name": "Range", "in": "header", "schema": {"type": "string"}}],
    "responses": {"200": {"$ref": "#/components/responses/Clip"}, "206": {"$ref": "#/components/responses/Clip"},
                  "default": {"$ref": "#/components/responses/Error"}}}},
"/v1/videos/{id}/events": {
  "parameters": [{"$ref": "#/components/parameters/Id"}],
  "get": {"operationId": "videoEvents", "summary": "Its progress as server-sent events: video, preview, end.",
    "responses": {"200": {"description": "Events until the clip is over.", "content": {"text/event-stream": {}}},
                  "default": {"$ref": "#/components/responses/Error"}}}},
"/v1/videos/{id}/previews/{step}": {
  "parameters": [{"$ref": "#/components/parameters/Id"},
                 {"name": "step", "in": "path", "required": true, "schema": {"type": "integer", "minimum": 1}}],
  "get": {"operationId": "videoPreview", "summary": "What the clip is going to look like after a step.",
    "responses": {"200": {"description": "A picture.", "content": {"image/png": {"schema": {"type": "string", "format": "binary"}}}},
                  "default": {"$ref": "#/components/responses/Error"}}}},
"/v1/videos/{id}/recipe": {
  "parameters": [{"$ref": "#/components/parameters/Id"}],
  "get": {"operationId": "videoRecipe", "summary": "What decided the clip.",
    "responses": {"200": {"description": "The recipe.", "content": {"application/json": {"schema": {"type": "object"}}}},
                  "default": {"$ref": "#/components/responses/Error"}}}},
"/v1/models": {
  "get": {"operationId": "listModels", "summary": "The model that is served.",
    "responses": {"200": {"description": "A list of one.", "content": {"application/json": {"schema": {"type": "object"}}}},
                  "default": {"$ref": "#/components/responses/Error"}}}},
"/v1/models/{id}": {
  "parameters": [{"$ref": "#/components/parameters/Id"}],
  "get": {"operationId": "retrieveModel", "summary": "What the model is made for.",
    "responses": {"200": {"description": "The model.", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Model"}}}},
                  "default": {"$ref": "#/components/responses/Error"}}}},
"/v1/plans": {
  "post": {"operationId": "createPlan", "summary": "What a clip would need; starts nothing.",
    "requestBody": {"required": true, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/PlanRequest"}}}},
    "responses": {"200": {"description": "Whether it fits, and what does.", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Plan"}}}},
                  "default": {"$ref": "#/components/responses/Error"}}}},
"/health": {
  "get": {"operationId": "health", "summary": "Whether the server runs.", "security": [],
    "responses": {"200": {"$ref": "#/components/responses/Status"}, "default": {"$ref": "#/components/responses/Error"}}}},
"/ready": {
  "get": {"operationId": "ready", "summary": "Whether it takes more clips.", "security": [],
    "responses": {"200": {"$ref": "#/components/responses/Status"}, "default": {"$ref": "#/components/responses/Error"}}}},
"/metrics": {
  "get": {"operationId": "metrics", "summary": "Figures for Prometheus.",
    "responses": {"200": {"description": "Text format 0.0.4.", "content": {"text/plain": {"schema": {"type": "string"}}}},
                  "default": {"$ref": "#/components/responses/Error"}}}}
})json";

constexpr const char* kComponents = R"json({
"securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": "Only where the server has keys."}},
"parameters": {"Id": {"name": "id", "in": "path", "required": true, "schema": {"type": "string", "minLength": 1}}},
"responses": {
  "Video": {"description": "The clip's video object.", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Video"}}}},
  "Clip": {"description": "Bytes of the clip.", "content": {
    "video/mp4": {"schema": {"type": "string", "format": "binary"}},
    "image/png": {"schema": {"type": "string", "format": "binary"}}}},
  "Status": {"description": "Yes.", "content": {"application/json": {"schema": {
    "type": "object", "required": ["status"], "properties": {"status": {"type": "string"}}}}}},
  "Error": {"description": "No, and why.", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}}},
"schemas": {
  "Error": {"type": "object", "required": ["error"], "properties": {"error": {"type": "object",
    "required": ["message", "type", "param", "code"], "properties": {
      "message": {"type": "string"}, "type": {"type": "string"},
      "param": {"type": ["string", "null"]}, "code": {"type": ["string", "null"]}}}}},
  "VideoList": {"type": "object", "required": ["object", "data", "first_id", "last_id", "has_more"], "properties": {
    "object": {"const": "list"}, "data": {"type": "array", "items": {"$ref": "#/components/schemas/Video"}},
    "first_id": {"type": ["string", "null"]}, "last_id": {"type": ["string", "null"]}, "has_more": {"type": "boolean"}}},
  "Model": {"type": "object", "required": ["id", "object", "created", "owned_by", "sizes", "frames", "fps", "steps", "guided", "limits"],
    "properties": {"id": {"type": "string"}, "object": {"const": "model"}, "sizes": {"type": "array", "items": {"type": "string"}},
      "frames": {"type": "integer"}, "fps": {"type": "integer"}, "steps": {"type": "integer"}, "guided": {"type": "boolean"},
      "limits": {"type": "object", "additionalProperties": {"type": "integer"}}}},
  "Plan": {"type": "object",
    "required": ["object", "fits", "refusal", "nearest", "size", "frames", "fps", "seconds", "steps", "guided", "gpu", "gpu_bytes",
                 "host_bytes", "predicted_seconds", "measured", "warnings", "notes"],
    "properties": {"object": {"const": "plan"}, "fits": {"type": "boolean"}, "refusal": {"type": ["string", "null"]},
      "nearest": {"type": "array", "items": {"type": "object", "required": ["text", "frames", "size", "gpu_bytes"], "properties": {
        "text": {"type": "string"}, "frames": {"type": ["integer", "null"]}, "size": {"type": ["string", "null"]},
        "gpu_bytes": {"type": ["integer", "null"]}}}},
      "size": {"type": "string"}, "frames": {"type": "integer"}, "fps": {"type": "integer"}, "seconds": {"type": "string"},
      "steps": {"type": "integer"}, "guided": {"type": "boolean"},
      "gpu": {"type": "object", "required": ["name", "is_here", "bytes"], "properties": {
        "name": {"type": "string"}, "is_here": {"type": "boolean"}, "bytes": {"type": "integer"}}},
      "gpu_bytes": {"type": "integer"}, "host_bytes": {"type": "integer"}, "predicted_seconds": {"type": ["number", "null"]},
      "measured": {"type": "boolean"}, "warnings": {"type": "array", "items": {"type": "string"}},
      "notes": {"type": "array", "items": {"type": "string"}}}},
  "Deleted": {"type": "object", "required": ["id", "object", "deleted"], "properties": {
    "id": {"type": "string"}, "object": {"const": "video.deleted"}, "deleted": {"const": true}}},
  "Video": {"type": "object",
    "required": ["id", "object", "model", "status", "progress", "created_at", "completed_at", "error", "prompt", "seconds", "size",
                 "seed", "frames", "fps", "steps"],
    "properties": {
      "id": {"type": "string"}, "object": {"const": "video"}, "model": {"type": "string"},
      "status": {"enum": ["queued", "in_progress", "completed", "failed"]},
      "progress": {"type": "integer", "minimum": 0, "maximum": 100},
      "created_at": {"type": "integer"}, "completed_at": {"type": ["integer", "null"]}, "expires_at": {"type": "null"},
      "error": {"type": ["object", "null"], "properties": {"code": {"type": "string"}, "message": {"type": "string"}}},
      "prompt": {"type": "string"}, "remixed_from_video_id": {"type": "null"},
      "seconds": {"type": "string"}, "size": {"type": "string", "pattern": "^[0-9]+x[0-9]+$"},
      "seed": {"type": "string", "pattern": "^[0-9]+$"}, "frames": {"type": "integer"}, "fps": {"type": "integer"},
      "steps": {"type": "integer"}, "sampler": {"type": "string"}, "shift": {"type": "number"}, "guidance": {"type": "number"},
      "negative_prompt": {"type": "string"}, "queue_position": {"type": ["integer", "null"]},
      "phase": {"enum": ["load", "text", "denoise", "decode", null]},
      "done": {"type": ["integer", "null"]}, "total": {"type": ["integer", "null"]}, "eta_seconds": {"type": ["number", "null"]},
      "previews": {"type": "integer"}, "took_seconds": {"type": ["number", "null"]}, "bytes": {"type": ["integer", "null"]},
      "look_after": {"type": ["integer", "null"]}, "held": {"type": "boolean"},
      "frames_digest": {"type": ["string", "null"]}, "warnings": {"type": "array", "items": {"type": "string"}}}}}
})json";

// The fields of a request. A form has no types but text.
json request_schema(bool is_form) {
  const auto number = [&](const char* type, json limits) {
    json schema = is_form ? json{{"type", "string"}} : std::move(limits);
    if (!is_form) schema["type"] = json::array({type, "null"});
    return schema;
  };
  const json text =
      is_form ? json{{"type", "string"}} : json{{"type", json::array({"string", "null"})}};
  json seconds = {{"type", "string"}, {"pattern", "^[0-9]{1,2}$"}};
  if (!is_form) {
    seconds = {{"anyOf", json::array({seconds,
                                      {{"type", "number"}, {"minimum", 0}, {"maximum", 30}},
                                      {{"type", "null"}}})}};
  }
  return {{"type", "object"},
          {"required", json::array({"prompt"})},
          {"additionalProperties", false},
          {"properties",
           {{"prompt", {{"type", "string"}, {"minLength", 1}, {"maxLength", kMostPromptBytes}}},
            {"negative_prompt", text},
            {"model", text},
            {"size", {{"type", "string"}, {"pattern", "^[0-9]{2,4}x[0-9]{2,4}$"}}},
            {"seconds", seconds},
            {"frames", number("integer", {{"minimum", 1}, {"maximum", kMostFrames}})},
            {"look_after", number("integer", {{"minimum", 1}, {"maximum", kMostSteps}})},
            {"fps", number("integer", {{"minimum", 1}, {"maximum", 240}})},
            {"steps", number("integer", {{"minimum", 1}, {"maximum", kMostSteps}})},
            {"seed", number("integer", {{"minimum", 0}})},
            {"sampler", {{"type", "string"}, {"enum", json::array({"lcm", "euler", "unipc"})}}},
            {"shift", number("number", {{"exclusiveMinimum", 0}})},
            {"guidance", number("number", json::object())}}}};
}

}  // namespace

std::string openapi_document() {
  json document{{"openapi", "3.1.0"},
                {"info",
                 {{"title", "reel serve"},
                  {"version", kVersion},
                  {"description", "Clips from sentences. docs/SERVER.md says more."}}},
                {"security", json::array({json::object(), {{"key", json::array()}}})},
                {"paths", json::parse(kPaths)},
                {"components", json::parse(kComponents)}};
  json& schemas = document["components"]["schemas"];
  schemas["VideoRequest"] = request_schema(false);
  schemas["VideoForm"] = request_schema(true);
  schemas["PlanRequest"] = schemas["VideoRequest"];  // with an empty prompt: the longest
  schemas["PlanRequest"]["properties"]["prompt"].erase("minLength");
  return document.dump();
}

}  // namespace reel::server
