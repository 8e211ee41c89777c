// SPDX-License-Identifier: Apache-2.0
#include "server/routes_videos.h"

#include <algorithm>
#include <charconv>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "server/http/api_error.h"
#include "server/http/byte_range.h"
#include "server/json_answer.h"
#include "server/video_events.h"
#include "server/video_json.h"

namespace reel::server {
namespace {

using nlohmann::json;

constexpr int kMostListed = 100;

[[noreturn]] void no_such_video(const std::string& id) {
  throw ApiError(404, str_cat("There is no video \"", id, "\"."), "not_found", "video_id");
}

JobView find(VideoService& service, const HttpRequest& request, const PathValues& path) {
  std::optional<JobView> view = service.find(path.at("id"), request.client);
  if (!view) no_such_video(path.at("id"));
  return *std::move(view);
}

std::string query_text(const HttpRequest& request, const std::string& name,
                       const std::string& otherwise) {
  const auto found = request.query.find(name);
  return found == request.query.end() ? otherwise : found->second;
}

int query_integer(const HttpRequest& request, const std::string& name, int otherwise, int least,
                  int most) {
  const std::string text = query_text(request, name, "");
  if (request.query.count(name) == 0) return otherwise;
  int value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size() || value < least ||
      value > most) {
    throw ApiError(400, str_cat(name, " must be ", least, " to ", most, '.'), "invalid_value",
                   name);
  }
  return value;
}

HttpResponse create(VideoService& service, const HttpRequest& request) {
  const ClipRequest clip = read_video_request(request, service.model_name());
  std::vector<std::string> warnings;
  const std::string owner = request.client.empty() ? request.peer : request.client;
  json video = video_json(service.create(clip, owner, warnings), service.model_name());
  video["warnings"] = warnings;
  return answer(video);
}

JobQuery read_list_query(VideoService& service, const HttpRequest& request) {
  JobQuery query;
  query.client = request.client;
  query.limit = query_integer(request, "limit", 20, 1, kMostListed);
  const std::string order = query_text(request, "order", "desc");
  if (order != "asc" && order != "desc") {
    throw ApiError(400, "order must be asc or desc.", "invalid_value", "order");
  }
  query.ascending = order == "asc";
  const std::string after = query_text(request, "after", "");
  if (!after.empty()) {
    const std::optional<JobView> last = service.find(after, request.client);
    if (!last) no_such_video(after);
    query.after = last->job.sequence;
  }
  return query;
}

HttpResponse list(VideoService& service, const HttpRequest& request) {
  JobQuery query = read_list_query(service, request);
  const size_t limit = static_cast<size_t>(query.limit);
  ++query.limit;  // one more tells whether there is more
  std::vector<JobView> views = service.list(query);
  const bool has_more = views.size() > limit;
  views.resize(std::min(views.size(), limit));
  json data = json::array();
  for (const JobView& view : views) data.push_back(video_json(view, service.model_name()));
  const auto id_or_null = [&](bool is_there, auto id) { return is_there ? json(id()) : json(); };
  return answer({{"object", "list"},
                 {"data", data},
                 {"first_id", id_or_null(!views.empty(), [&] { return views.front().job.id; })},
                 {"last_id", id_or_null(!views.empty(), [&] { return views.back().job.id; })},
                 {"has_more", has_more}});
}

HttpResponse remove(VideoService& service, const HttpRequest& request, const PathValues& path) {
  const std::string& id = path.at("id");
  if (!service.remove(id, request.client)) no_such_video(id);
  return answer({{"id", id}, {"object", "video.deleted"}, {"deleted", true}});
}

HttpResponse go_on(VideoService& service, const HttpRequest& request, const PathValues& path) {
  const JobState state = find(service, request, path).job.state;
  if (state != JobState::kHeld) {
    throw ApiError(409, str_cat("The video is ", job_state_name(state), ", not held."),
                   "video_not_held");
  }
  const std::optional<JobView> view = service.go_on(path.at("id"), request.client);
  if (!view) no_such_video(path.at("id"));  // removed meanwhile
  return answer(video_json(*view, service.model_name()));
}

HttpResponse picture(VideoService& service, const JobView& view, int step) {
  if (step < 1 || step > view.previews) {
    throw ApiError(404, str_cat("There is no preview ", step, " of this video."), "not_found");
  }
  std::error_code error;
  const std::filesystem::path file = service.preview_file(view.job, step);
  const uint64_t bytes = std::filesystem::file_size(file, error);
  if (error) throw ApiError(404, "That preview is gone.", "not_found");
  HttpResponse response;
  response.content_type = "image/png";
  response.file = FilePart{file, 0, bytes};
  return response;
}

HttpResponse content(VideoService& service, const HttpRequest& request, const PathValues& path) {
  const JobView view = find(service, request, path);
  const std::string variant = query_text(request, "variant", "video");
  if (view.job.state != JobState::kCompleted) {
    throw ApiError(409,
                   str_cat("The video is ", job_state_name(view.job.state), ", not completed."),
                   "video_not_ready");
  }
  if (variant == "spritesheet") return picture(service, view, view.previews);
  if (variant != "video") {
    throw ApiError(400, "variant must be video or spritesheet.", "invalid_value", "variant");
  }
  return clip_response(request, service.clip_file(view.job), view.job.id + ".mp4");
}

HttpResponse preview(VideoService& service, const HttpRequest& request, const PathValues& path) {
  int step = 0;
  const std::string& text = path.at("step");
  std::from_chars(text.data(), text.data() + text.size(), step);
  return picture(service, find(service, request, path), step);
}

HttpResponse recipe(VideoService& service, const HttpRequest& request, const PathValues& path) {
  const JobView view = find(service, request, path);
  if (view.job.recipe.empty()) {
    throw ApiError(409,
                   str_cat("The video is ", job_state_name(view.job.state), ", not completed."),
                   "video_not_ready");
  }
  HttpResponse response;
  response.body = view.job.recipe;
  return response;
}

HttpResponse events(VideoService& service, const HttpRequest& request, const PathValues& path) {
  (void)find(service, request, path);
  const auto source = std::make_shared<VideoEvents>(service, path.at("id"), request.client);
  HttpResponse response;
  response.content_type = "text/event-stream";
  response.stream = [source] { return source->next(); };
  return response;
}

HttpResponse models(const VideoService& service) {
  return answer({{"object", "list"},
                 {"data", json::array({{{"id", service.model_name()},
                                        {"object", "model"},
                                        {"created", 0},
                                        {"owned_by", "reel"}}})}});
}

}  // namespace

HttpResponse clip_response(const HttpRequest& request, const std::filesystem::path& file,
                           const std::string& download_name) {
  std::error_code error;
  const uint64_t size_bytes = std::filesystem::file_size(file, error);
  if (error) {
    throw ApiError(404, "The clip was removed to keep the disk quota.", "content_removed");
  }
  HttpResponse response;
  ByteRange range{0, size_bytes - 1};
  switch (read_range(request.header("range"), size_bytes, range)) {
    case RangeKind::kWhole: break;
    case RangeKind::kPart:
      response.status = 206;
      response.headers.emplace_back(
          "Content-Range", str_cat("bytes ", range.first, '-', range.last, '/', size_bytes));
      break;
    case RangeKind::kUnsatisfiable:
      response = error_response(416, str_cat("The clip has ", size_bytes, " bytes."));
      response.headers.emplace_back("Content-Range", str_cat("bytes */", size_bytes));
      return response;
  }
  response.content_type = "video/mp4";
  response.file = FilePart{file, range.first, range.last - range.first + 1};
  response.headers.emplace_back("Accept-Ranges", "bytes");
  response.headers.emplace_back("Content-Disposition",
                                str_cat("inline; filename=\"", download_name, '"'));
  return response;
}

std::vector<Route> video_routes(VideoService& service) {
  const auto with = [&service](auto handler) {
    return [&service, handler](const HttpRequest& request, const PathValues& path) {
      return handler(service, request, path);
    };
  };
  return {
      {"POST", "/v1/videos",
       [&service](const HttpRequest& request, const PathValues&) {
         return create(service, request);
       }},
      {"GET", "/v1/videos",
       [&service](const HttpRequest& request, const PathValues&) {
         return list(service, request);
       }},
      {"GET", "/v1/videos/{id}",
       [&service](const HttpRequest& request, const PathValues& path) {
         return answer(video_json(find(service, request, path), service.model_name()));
       }},
      {"DELETE", "/v1/videos/{id}", with(remove)},
      {"POST", "/v1/videos/{id}/continue", with(go_on)},
      {"GET", "/v1/videos/{id}/content", with(content)},
      {"GET", "/v1/videos/{id}/events", with(events)},
      {"GET", "/v1/videos/{id}/previews/{step}", with(preview)},
      {"GET", "/v1/videos/{id}/recipe", with(recipe)},
      {"GET", "/v1/models",
       [&service](const HttpRequest&, const PathValues&) { return models(service); }},
  };
}

}  // namespace reel::server
